"""Training an architecture again on request."""

import pytest

from tests.service.api.harness import ONE_SPACE, Service

pytestmark = pytest.mark.anyio


async def test_replicates_wait_for_the_next_askers_and_have_values_of_their_own(service: Service) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    first = (await service.suggest("w"))["trials"][0]
    await service.observe(first, 0.5)
    made = (await service.post(f"/trials/{first['id']}/replicate", {"count": 2}))["trials"]
    assert [(trial["number"], trial["replicate"], trial["state"]) for trial in made] == [(2, 1, "waiting"), (3, 2, "waiting")]
    assert {trial["canonical_id"] for trial in made} == {first["canonical_id"]}
    asked = (await service.suggest("v", 2))["trials"]
    assert [trial["id"] for trial in asked] == [trial["id"] for trial in made]
    for trial, value in zip(asked, (0.75, 0.25), strict=True):
        await service.observe(trial, value)
    best = (await service.get("/studies/demo/best", k=5))["trials"]
    assert [(trial["value"], trial["replicate"]) for trial in best] == [(0.75, 1), (0.5, 0), (0.25, 2)]
    more = (await service.post(f"/trials/{made[0]['id']}/replicate", {}))["trials"]
    assert [trial["replicate"] for trial in more] == [3]


async def test_the_search_sees_all_values_of_an_architecture(service: Service) -> None:
    await service.post("/studies", ONE_SPACE | {"initial_size": 1}, 201)
    first, second = (await service.suggest("w", 2))["trials"]
    for trial, value in ((first, 0.5), (second, 0.1)):
        await service.observe(trial, value)
    (again,) = (await service.post(f"/trials/{first['id']}/replicate", {}))["trials"]
    (running,) = (await service.suggest("w"))["trials"]
    assert running["id"] == again["id"]
    await service.observe(running, 0.75)
    await service.suggest("w")
    observations = service.worker.requests[-1].observations
    assert [observation.value for observation in observations] == [0.5, 0.1, 0.75]
    assert observations[0].architecture == observations[2].architecture


async def test_a_replicate_counts_for_the_budget(service: Service) -> None:
    await service.post("/studies", ONE_SPACE | {"max_trials": 3}, 201)
    first = (await service.suggest("w"))["trials"][0]
    problem = await service.post(f"/trials/{first['id']}/replicate", {"count": 3}, 409)
    assert (problem["code"], problem["errors"][0]["pointer"]) == ("budget_exhausted", "/count")
    assert sum((await service.get("/studies/demo"))["trials"].values()) == 1
    assert len((await service.post(f"/trials/{first['id']}/replicate", {"count": 2}))["trials"]) == 2


async def test_results_by_architecture_are_those_of_its_first_trial(service: Service) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    first = (await service.suggest("w"))["trials"][0]
    await service.post(f"/trials/{first['id']}/replicate", {})
    graph = {"nodes": first["architecture"]["nodes"], "edges": first["architecture"]["edges"]}
    report = {"study": "demo", "architecture": first["architecture"], "value": 0.5}
    assert (await service.post("/observe", report))["trial"]["id"] == first["id"]
    queued = (await service.post("/studies/demo/enqueue", {"architectures": [graph]}))["trials"]
    assert [trial["id"] for trial in queued] == [first["id"]]


async def test_only_trials_that_are_there_are_trained_again(service: Service) -> None:
    assert (await service.post("/trials/none/replicate", {}, 404))["code"] == "trial_not_found"
    await service.post("/studies", ONE_SPACE, 201)
    first = (await service.suggest("w"))["trials"][0]
    for count in (0, -1, 1.5, "2", 5001):
        assert (await service.post(f"/trials/{first['id']}/replicate", {"count": count}, 422))["errors"][0]["pointer"] == "/count"
