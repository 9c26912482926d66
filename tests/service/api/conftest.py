"""A running service for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.service.api.harness import Service, running


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    async with running(tmp_path) as service:
        yield service
