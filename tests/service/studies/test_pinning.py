"""Going on with another checkpoint."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import write_model
from tests.service.api.harness import ONE_SPACE, Service

pytestmark = pytest.mark.anyio


@pytest.fixture
async def demo(service: Service, tmp_path: Path) -> Service:
    """A study pinned to `lines`, with a second checkpoint of its space."""
    await service.post("/studies", ONE_SPACE | {"initial_size": 1}, 201)
    write_model(tmp_path, "other_lines", "nasbench201")
    return service


async def hash_of(service: Service, name: str) -> str:
    (found,) = [model["hash"] for model in (await service.get("/models"))["models"] if model["name"] == name]
    return str(found)


async def pin(service: Service, model: str, status: int = 200) -> Any:
    return await service.post("/studies/demo/model", {"model": model}, status)


async def test_the_search_goes_on_with_all_graphs_under_the_new_checkpoint(demo: Service) -> None:
    old, new = await hash_of(demo, "lines"), await hash_of(demo, "other_lines")
    for value in (0.1, 0.2, 0.3):
        (trial,) = (await demo.suggest("w"))["trials"]
        await demo.observe(trial, value)
    assert trial["model_hash"] == old
    assert demo.worker.requests[-1].hyperparameters is not None
    assert (await pin(demo, "other_lines"))["model_hash"] == new
    (after,) = (await demo.suggest("w"))["trials"]
    assert after["model_hash"] == new
    request = demo.worker.requests[-1]
    assert [observation.value for observation in request.observations] == [0.1, 0.2, 0.3]
    assert request.hyperparameters is None
    stored = (await demo.get("/studies/demo/trials"))["trials"]
    assert [trial["model_hash"] for trial in stored] == [old, old, old, new]


async def test_the_same_checkpoint_again_changes_nothing(demo: Service) -> None:
    for value in (0.1, 0.2):
        (trial,) = (await demo.suggest("w"))["trials"]
        await demo.observe(trial, value)
    (running,) = (await demo.suggest("w"))["trials"]
    before = await demo.get("/studies/demo")
    for name in ("lines", await hash_of(demo, "lines")):
        assert await pin(demo, name) == before
    await demo.observe(running, 0.3)
    await demo.suggest("w")
    assert demo.worker.requests[-1].hyperparameters is not None


async def test_a_proposal_on_its_way_keeps_its_architecture_and_loses_what_the_old_checkpoint_said(demo: Service) -> None:
    demo.worker.gate.clear()
    asking = asyncio.create_task(demo.suggest("w"))
    async with asyncio.timeout(30):
        while not demo.worker.requests:
            await asyncio.sleep(0.01)
    await pin(demo, "other_lines")
    demo.worker.gate.set()
    (trial,) = (await asking)["trials"]
    assert trial["model_hash"] == await hash_of(demo, "other_lines")
    assert (trial["source"], trial["latent"], trial["predicted_mean"]) == ("initial", None, None)


async def test_the_point_of_a_trial_of_the_old_checkpoint_is_encoded_again(demo: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    (trial,) = (await demo.suggest("w"))["trials"]
    encoded: list[str] = []
    encode = demo.worker.encode

    async def note(model: str, architectures: Any) -> Any:
        encoded.append(model)
        return await encode(model, architectures)

    monkeypatch.setattr(demo.worker, "encode", note)
    await demo.get("/decode", trial=trial["id"])
    assert encoded == []
    await pin(demo, "other_lines")
    await demo.get("/decode", trial=trial["id"])
    assert encoded == [await hash_of(demo, "other_lines")]


async def test_a_replicate_of_a_trial_of_the_old_checkpoint_has_no_point(demo: Service) -> None:
    (first,) = (await demo.suggest("w"))["trials"]
    (same,) = (await demo.post(f"/trials/{first['id']}/replicate", {}))["trials"]
    assert same["latent"] == first["latent"]
    await pin(demo, "other_lines")
    (again,) = (await demo.post(f"/trials/{first['id']}/replicate", {}))["trials"]
    assert (again["latent"], again["model_hash"]) == (None, await hash_of(demo, "other_lines"))


async def test_a_fit_of_the_old_checkpoint_is_not_kept_for_the_new_one(demo: Service) -> None:
    for value in (0.1, 0.2):
        (trial,) = (await demo.suggest("w"))["trials"]
        await demo.observe(trial, value)
    asked = len(demo.worker.requests)
    demo.worker.gate.clear()
    asking = asyncio.create_task(demo.suggest("w"))
    async with asyncio.timeout(30):
        while len(demo.worker.requests) == asked:
            await asyncio.sleep(0.01)
    await pin(demo, "other_lines")
    demo.worker.gate.set()
    await demo.observe((await asking)["trials"][0], 0.3)
    await demo.suggest("w")
    assert demo.worker.requests[-1].hyperparameters is None


async def test_only_a_checkpoint_of_the_same_space_will_do(demo: Service) -> None:
    wrong = await pin(demo, "cells", 422)
    assert (wrong["errors"][0]["pointer"], "nasbench101" in wrong["detail"]) == ("/model", True)
    assert (await pin(demo, "none", 404))["code"] == "model_not_found"
    missing = await demo.post("/studies/none/model", {"model": "lines"}, 404)
    assert missing["code"] == "study_not_found"
    assert (await demo.get("/studies/demo"))["model_hash"] == await hash_of(demo, "lines")
