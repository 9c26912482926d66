"""Without keys a web page cannot use the service that somebody runs on the same machine."""

from typing import Any

import pytest
from starlette.datastructures import Headers

from service.api.same_machine import foreign
from tests.service.api.harness import ONE_SPACE, Service

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "10.0.0.7", "127.0.0.1.evil.example", "[::2]:80", "[", ""])
async def test_another_host_is_refused_whatever_is_asked(service: Service, host: str) -> None:
    for method, path in (("GET", "/studies"), ("POST", "/studies"), ("GET", "/docs")):
        answer = await service.client.request(method, path, headers={"Host": host})
        assert (answer.status_code, answer.json()["code"]) == (403, "foreign_caller")
        assert "SVGE_AUTH=on" in answer.json()["detail"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example", "http://["])
async def test_a_foreign_page_changes_nothing(service: Service, origin: str) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    for path in ("/studies/demo/close", "/suggest", "/studies"):
        answer = await service.client.post(path, content="{}", headers={"Origin": origin, "Content-Type": "text/plain"})
        assert (answer.status_code, answer.json()["code"]) == (403, "foreign_caller")
    assert (await service.get("/studies/demo"))["closed_at"] is None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Host": "localhost:8000"},
        {"Host": "127.0.0.1"},
        {"Host": "[::1]:8000"},
        {"Host": "localhost", "Origin": "http://localhost:3000"},
    ],
)
def test_this_machine_is_answered(headers: Any) -> None:
    assert foreign("POST", Headers(headers)) is None
