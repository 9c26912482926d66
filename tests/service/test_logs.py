import json
import logging
from collections.abc import Iterator

import pytest

from service.logs import JsonFormatter, configure_logs


@pytest.fixture
def _restored() -> Iterator[None]:
    root, alembic = logging.getLogger(), logging.getLogger("alembic")
    before = root.level, list(root.handlers), alembic.level
    yield
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    alembic.setLevel(before[2])


def test_a_record_keeps_what_was_given_with_it_but_not_its_coloured_twin() -> None:
    record = logging.makeLogRecord({"msg": "started %d", "args": (7,), "color_message": "\x1b[36mstarted\x1b[0m", "path": "/x"})
    entry = json.loads(JsonFormatter().format(record))
    assert (entry["message"], entry["path"]) == ("started 7", "/x")
    assert "color_message" not in entry


@pytest.mark.usefixtures("_restored")
def test_the_steps_of_a_migration_are_no_news() -> None:
    configure_logs("info")
    assert not logging.getLogger("alembic.runtime.migration").isEnabledFor(logging.INFO)
    assert logging.getLogger("service").isEnabledFor(logging.INFO)
