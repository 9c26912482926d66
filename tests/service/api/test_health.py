import asyncio
import contextlib
from pathlib import Path
from typing import Any

import pytest

from models.spaces.registry import space_names
from service.storage import schema
from service.workers.worker import WorkerUnavailable
from tests.service.api.bad_bodies import CELL
from tests.service.api.harness import Service, running

pytestmark = pytest.mark.anyio


async def test_a_process_that_answers_is_alive_whatever_the_worker_does(service: Service) -> None:
    service.worker.lost = True
    assert await service.get("/healthz") == {"status": "alive"}


async def test_ready_means_database_schema_and_worker(service: Service) -> None:
    assert await service.get("/readyz") == {"status": "ready", "checks": {"database": "ok", "schema": "ok", "worker": "ok"}}
    service.worker.lost = True
    problem = await service.get("/readyz", 503)
    assert (problem["code"], problem["checks"]["database"]) == ("not_ready", "ok")
    assert "does not answer" in problem["checks"]["worker"]


async def test_a_call_of_the_model_that_does_not_end_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = asyncio.Event()

    async def stuck(*_: Any) -> Any:
        while not ended.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await ended.wait()
        raise WorkerUnavailable("it was restarted")

    async with running(tmp_path, compute_seconds=0.05) as service:
        monkeypatch.setattr(service.worker, "encode", stuck)
        call = asyncio.create_task(service.post("/encode", {"space": "nasbench101", "architectures": [CELL]}, 503))
        while (response := await service.client.get("/readyz")).status_code == 200:
            await asyncio.sleep(0.01)
        assert "a call has been running for" in response.json()["checks"]["worker"]
        ended.set()
        assert (await call)["code"] == "model_unavailable"
        assert (await service.get("/readyz"))["status"] == "ready"


async def test_an_old_schema_is_not_ready(service: Service) -> None:
    schema.downgrade(service.app.state.context.database, "base")
    assert "svge db upgrade" in (await service.get("/readyz", 503))["checks"]["schema"]


async def test_the_build_names_its_schema(service: Service) -> None:
    build = await service.get("/version")
    assert set(build) == {"version", "schema", "python"}
    assert build["schema"] == schema.head_revision()


async def test_what_can_be_searched_and_with_what(service: Service) -> None:
    spaces = {space["name"]: space for space in (await service.get("/spaces"))["spaces"]}
    assert set(spaces) == set(space_names())
    assert (spaces["nasbench101"]["size"], spaces["nasbench101"]["models"]) == (423624, ["cells"])
    models = (await service.get("/models"))["models"]
    assert [(model["name"], model["space"], model["latent_size"]) for model in models] == [
        ("cells", "nasbench101", 4),
        ("lines", "nasbench201", 4),
        ("macros", "enas_macro", 4),
    ]
