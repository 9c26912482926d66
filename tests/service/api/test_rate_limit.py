"""Nobody can keep the service busy alone."""

from pathlib import Path

import httpx
import pytest

from tests.service.api.harness import ONE_SPACE, Service, running

pytestmark = pytest.mark.anyio


def caller(service: Service, address: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(service.app, client=(address, 1234)), base_url="http://127.0.0.1")


async def test_who_asks_too_fast_is_told_when_to_come_back_and_others_are_answered(tmp_path: Path) -> None:
    async with running(tmp_path, requests_per_minute=5) as service, caller(service, "10.0.0.7") as eager:
        answers = [await eager.get("/studies") for _ in range(8)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 3
        refused = answers[-1]
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["code"] == "too_many_requests"
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert "10.0.0.7" in refused.json()["detail"]
        assert refused.headers["x-request-id"] == refused.json()["request_id"]
        async with caller(service, "10.0.0.8") as patient:
            assert (await patient.get("/studies")).status_code == 200


async def test_a_refused_request_does_nothing(tmp_path: Path) -> None:
    async with running(tmp_path, requests_per_minute=1) as service:
        await service.get("/studies")
        await service.post("/studies", ONE_SPACE, 429)
    async with running(tmp_path) as service:
        assert (await service.get("/studies"))["studies"] == []


async def test_probes_and_metrics_are_always_answered(tmp_path: Path) -> None:
    async with running(tmp_path, requests_per_minute=1) as service:
        for _ in range(3):
            for path in ("/healthz", "/readyz", "/metrics"):
                assert (await service.client.get(path)).status_code == 200


async def test_requests_are_counted_again_after_the_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(tmp_path, requests_per_minute=2) as service:
        now = 1_000_000.0
        monkeypatch.setattr("limits.storage.memory.time.time", lambda: now)
        monkeypatch.setattr("limits.strategies.time.time", lambda: now)
        assert [(await service.client.get("/studies")).status_code for _ in range(3)] == [200, 200, 429]
        now += 120.0
        assert (await service.client.get("/studies")).status_code == 200


async def test_no_limit_is_a_choice(tmp_path: Path) -> None:
    for most, expected in ((3, {200, 429}), (0, {200})):
        async with running(tmp_path, requests_per_minute=most) as service:
            assert {(await service.client.get("/studies")).status_code for _ in range(10)} == expected
