"""A server for what the documents show of the client, and what they leave to their readers."""

from collections.abc import Iterator
from typing import Any

import pytest
from svge_client import Client

from tests.client.live import serving


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("service")) as url:
        yield url


@pytest.fixture
def names(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A client, and a training; the studies of a document are gone after it."""
    monkeypatch.setenv("SVGE_URL", url)
    with Client() as client:
        yield {"client": client, "train": lambda architecture: 0.5}
        for study in list(client.studies()):
            client.delete_study(study.name)
