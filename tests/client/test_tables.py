"""What an export becomes as a table of pandas."""

import json
from datetime import UTC, datetime

from svge_client.tables import data_frame

from tests.client.facades.optional import needed

SECOND = datetime(2026, 11, 28, 12, 52, 18, tzinfo=UTC)


def test_times_are_read_whether_or_not_a_second_was_just_over() -> None:
    needed("pandas", "pandas")
    made = [SECOND, SECOND.replace(microsecond=264000), SECOND]
    rows = [{"number": i, "created_at": time.isoformat(), "finished_at": None} for i, time in enumerate(made)]
    for given in (rows, rows[1:]):
        frame = data_frame("\n".join(map(json.dumps, given)).encode())
        assert frame["created_at"].tolist() == made[-len(given) :]
        assert frame["finished_at"].isna().all()
