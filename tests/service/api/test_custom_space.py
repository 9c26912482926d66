"""A study of a user's own space: found by its checkpoint's card, proposed, reported, refused, looked into."""

import json
from pathlib import Path
from typing import Any

import pytest

from models.spaces.registry import define_space
from tests.fakes import LATENT_SIZE
from tests.service.api.harness import Service, running

pytestmark = pytest.mark.anyio

DEFINITION = {"name": "mine", "operations": ["a", "b"], "max_nodes": 6, "max_edges": 8, "ports": 2}
STUDY = {"name": "demo", "space": "mine", "seed": 0}
OUTSIDE = {"nodes": ["input", "a", "b", "output"], "edges": [[0, 1], [1, 2], [2, 3]]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    card = {"space": "mine", "config": {"latent_size": LATENT_SIZE}, "space_definition": DEFINITION}
    (tmp_path / "my_model.json").write_text(json.dumps(card))
    (tmp_path / "my_model.safetensors").write_bytes(b"mine")
    return tmp_path


async def suggested(service: Service, count: int) -> list[Any]:
    await service.post("/studies", STUDY, 201)
    return (await service.suggest("w", count))["trials"]


async def test_the_space_is_listed_with_its_model(folder: Path) -> None:
    async with running(folder) as service:
        spaces = {space["name"]: space for space in (await service.get("/spaces"))["spaces"]}
    assert spaces["mine"]["operations"] == ["a", "b"]
    assert spaces["mine"]["max_nodes"] == 6
    assert spaces["mine"]["models"] == ["my_model"]


async def test_a_study_of_it_is_searched_and_its_proposals_are_of_the_space(folder: Path) -> None:
    space = define_space(DEFINITION)
    async with running(folder) as service:
        trials = await suggested(service, 5)
        for trial in trials:
            assert trial["native"] == trial["architecture"]
            space.validate(space.parse_native(trial["native"]))
            await service.observe(trial, 0.5)
        assert len({trial["canonical_id"] for trial in trials}) == 5
        random = (await service.suggest("w", 5, wait=0))["trials"]
        assert {trial["source"] for trial in random} == {"fallback"}
        best = (await service.get("/studies/demo/best"))["trials"][0]
        assert best["architecture"]["space"] == "mine"


async def test_what_is_outside_the_space_is_refused_with_the_rule(folder: Path) -> None:
    async with running(folder) as service:
        await service.post("/studies", STUDY, 201)
        problem = await service.post("/observe", {"study": "demo", "architecture": OUTSIDE, "value": 0.5}, 422)
        assert "has 2 ports, got 1 edges into it" in problem["errors"][0]["message"]
        assert problem["errors"][0]["pointer"] == "/architecture/nodes/2"
        larger = await service.post("/suggest", {"study": "demo", "worker": "w", "max_nodes": 99}, 422)
        assert "expected 6 to 12 nodes, the trained size of 'mine'" in larger["errors"][0]["message"]


async def test_its_latent_space_can_be_looked_into(folder: Path) -> None:
    async with running(folder) as service:
        answer = await service.get("/decode", model="my_model", random=2, samples=5)
        assert all(item["valid"] for item in answer["architectures"])


async def test_a_study_outlives_its_checkpoint(folder: Path) -> None:
    async with running(folder) as service:
        trials = await suggested(service, 1)
    for path in folder.glob("my_model.*"):
        path.unlink()
    other = folder / "others"
    other.mkdir()
    for path in [*folder.glob("*.json"), *folder.glob("*.safetensors")]:
        path.rename(other / path.name)
    async with running(other, database_url=f"sqlite:///{folder}/test.db") as service:
        kept = (await service.get("/studies/demo/trials"))["trials"]
        assert [trial["architecture"] for trial in kept] == [trials[0]["architecture"]]
        await service.observe(trials[0], 0.5)
        problem = await service.post("/suggest", {"study": "demo", "worker": "w"}, 404)
        assert "unknown model" in problem["detail"]
