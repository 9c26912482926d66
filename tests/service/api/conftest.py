"""A service on SQLite alone, for what no database has a part in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.service.api.harness import Service, running


@pytest.fixture
async def sole(tmp_path: Path) -> AsyncIterator[Service]:
    async with running(tmp_path) as service:
        yield service
