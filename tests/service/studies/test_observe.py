import asyncio
from typing import Any

import pytest

from tests.service.api.harness import ONE_SPACE, Service

pytestmark = pytest.mark.anyio

NODES = ["input", "conv3x3", "skip", "none", "conv1x1", "skip", "avgpool3x3", "output"]
NATIVE_EDGES = [[0, 1], [0, 2], [0, 4], [1, 3], [1, 5], [2, 6], [3, 6], [4, 7], [5, 7], [6, 7]]
CELL = {"nodes": NODES, "edges": NATIVE_EDGES}


@pytest.fixture
async def demo(service: Service) -> Service:
    await service.post("/studies", ONE_SPACE | {"lease_seconds": 60}, 201)
    return service


async def one(service: Service, worker: str = "a") -> Any:
    (trial,) = (await service.suggest(worker))["trials"]
    return trial


async def history(service: Service, trial: Any) -> Any:
    return await service.get(f"/trials/{trial['id']}")


async def test_an_observation_finishes_its_trial(demo: Service) -> None:
    trial = await one(demo)
    body = {"trial": trial["id"], "attempt": 1, "value": 0.931, "std": 0.01, "metrics": {"epochs": 12}}
    answer = (await demo.post("/observe", body))["trial"]
    assert (answer["state"], answer["value"], answer["std"], answer["lease_expires_at"]) == ("completed", 0.931, 0.01, None)
    stored = await history(demo, trial)
    assert [(o["status"], o["value"], o["metrics"], o["late"]) for o in stored["observations"]] == [
        ("completed", 0.931, {"epochs": 12}, False)
    ]
    assert stored["attempts"][0]["outcome"] == "completed"


async def test_the_same_observation_again_changes_nothing(demo: Service) -> None:
    trial = await one(demo)
    first = await demo.observe(trial, 0.5)
    assert await demo.observe(trial, 0.5) == first
    assert len((await history(demo, trial))["observations"]) == 1


async def test_another_value_for_a_finished_trial_is_a_conflict_that_shows_both(demo: Service) -> None:
    trial = await one(demo)
    await demo.observe(trial, 0.5)
    before = await history(demo, trial)
    for _ in range(2):
        problem = await demo.observe(trial, 0.75, 409)
    assert (problem["code"], problem["errors"][0]["pointer"]) == ("conflicting_observation", "/value")
    (conflict,) = problem["conflicts"]
    assert (conflict["trial"], conflict["recorded"]["value"], conflict["received"]["value"]) == (trial["id"], 0.5, 0.75)
    assert "0.5" in problem["detail"]
    assert "0.75" in problem["detail"]
    after = await history(demo, trial)
    assert (after["trial"], after["attempts"]) == (before["trial"], before["attempts"])
    assert [(o["value"], o["late"]) for o in after["observations"]] == [(0.5, False), (0.75, True)]


async def test_of_a_list_that_contradicts_itself_nothing_is_stored(demo: Service) -> None:
    bodies = [{"study": "demo", "architecture": CELL, "value": value} for value in (0.4, 0.5)]
    assert (await demo.post("/observe", bodies, 409))["code"] == "conflicting_observation"
    assert (await demo.get("/studies/demo/trials"))["trials"] == []


async def test_a_late_result_completes_a_trial_that_nobody_else_finished(demo: Service) -> None:
    slow = await one(demo, "slow")
    demo.clock.advance(61)
    fast = await one(demo, "fast")
    answer = await demo.observe(slow, 0.5)
    assert (answer["trial"]["state"], answer["trial"]["value"]) == ("completed", 0.5)
    assert [attempt["outcome"] for attempt in (await history(demo, slow))["attempts"]] == ["completed", "superseded"]
    problem = await demo.observe(fast, 0.6, 409)
    assert problem["code"] == "lease_lost"
    assert [(o["value"], o["late"]) for o in (await history(demo, slow))["observations"]] == [(0.5, False), (0.6, True)]


async def test_a_late_result_after_anothers_is_kept_and_said_to_be_late(demo: Service) -> None:
    slow = await one(demo, "slow")
    demo.clock.advance(61)
    await demo.observe(await one(demo, "fast"), 0.9)
    for _ in range(2):
        problem = await demo.observe(slow, 0.5, 409)
        assert (problem["code"], problem["errors"][0]["pointer"]) == ("lease_lost", "/attempt")
    stored = await history(demo, slow)
    assert stored["trial"]["value"] == 0.9
    assert [(o["attempt"], o["value"], o["late"]) for o in stored["observations"]] == [(2, 0.9, False), (1, 0.5, True)]


async def test_a_late_failure_does_not_take_the_trial_from_whoever_trains_it_now(demo: Service) -> None:
    slow = await one(demo, "slow")
    demo.clock.advance(61)
    fast = await one(demo, "fast")
    late = {"trial": slow["id"], "attempt": slow["attempt"], "status": "failed", "reason": "out of memory"}
    assert (await demo.post("/observe", late, 409))["code"] == "lease_lost"
    assert (await demo.observe(fast, 0.9))["trial"]["state"] == "completed"
    assert [(o["status"], o["late"]) for o in (await history(demo, slow))["observations"]] == [
        ("failed", True),
        ("completed", False),
    ]


async def test_a_result_revives_a_trial_that_failed_because_its_leases_ran_out(service: Service) -> None:
    await service.post("/studies", ONE_SPACE | {"lease_seconds": 60, "max_attempts": 1}, 201)
    trial = await one(service)
    service.clock.advance(61)
    await one(service, "b")
    assert (await history(service, trial))["trial"]["state"] == "failed"
    assert (await service.observe(trial, 0.5))["trial"]["state"] == "completed"


async def test_a_trial_reported_as_failed_does_not_take_a_value(demo: Service) -> None:
    trial = await one(demo)
    body = {"trial": trial["id"], "attempt": 1, "status": "failed", "reason": "out of memory"}
    answer = (await demo.post("/observe", body))["trial"]
    assert (answer["state"], answer["reason"], answer["value"]) == ("failed", "out of memory", None)
    assert (await demo.post("/observe", body))["trial"] == answer
    assert (await demo.observe(trial, 0.5, 409))["errors"][0]["pointer"] == "/status"


async def test_an_attempt_that_was_never_handed_out_is_refused(demo: Service) -> None:
    trial = await one(demo)
    problem = await demo.observe(trial | {"attempt": 2}, 0.5, 422)
    assert problem["errors"][0]["pointer"] == "/attempt"
    assert (await history(demo, trial))["trial"]["state"] == "running"


async def test_a_list_is_stored_as_a_whole_or_not_at_all(demo: Service) -> None:
    first, second = (await demo.suggest("a", 2))["trials"]
    good = [{"trial": trial["id"], "attempt": 1, "value": 0.5} for trial in (first, second)]
    problem = await demo.post("/observe", [*good, {"trial": "unheard-of", "attempt": 1, "value": 1.0}], 404)
    assert problem["errors"][0]["pointer"] == "/2/trial"
    assert (await demo.get("/studies/demo"))["trials"]["running"] == 2
    answer = await demo.post("/observe", [*good, good[0]])
    assert [trial["id"] for trial in answer["trials"]] == [first["id"], second["id"], first["id"]]


async def test_every_fault_of_a_list_is_named_and_a_late_result_in_it_is_kept(demo: Service) -> None:
    slow = await one(demo, "slow")
    demo.clock.advance(61)
    await demo.observe(await one(demo, "fast"), 0.9)
    fresh = await one(demo, "fresh")
    batch = [
        {"trial": fresh["id"], "attempt": 1, "value": 0.1},
        {"trial": slow["id"], "attempt": 1, "value": 0.5},
        {"trial": fresh["id"], "attempt": 1, "value": 0.2},
    ]
    problem = await demo.post("/observe", batch, 409)
    assert [error["pointer"] for error in problem["errors"]] == ["/1/attempt", "/2/value"]
    assert (await history(demo, fresh))["trial"]["state"] == "running"
    assert [o["late"] for o in (await history(demo, slow))["observations"]] == [False, True]


async def test_a_result_from_elsewhere_becomes_a_trial_that_the_search_learns_from(demo: Service) -> None:
    answer = (await demo.post("/observe", {"study": "demo", "architecture": CELL, "value": 0.4}))["trial"]
    assert (answer["state"], answer["source"], answer["attempt"], answer["number"]) == ("completed", "enqueued", 0, 1)
    again = await demo.post("/observe", {"study": "demo", "architecture": CELL, "value": 0.4})
    assert again["trial"] == answer
    await demo.suggest("a")
    assert [o.value for o in demo.worker.requests[-1].observations] == [0.4]


async def test_isomorphic_results_from_elsewhere_meet_in_one_trial(demo: Service) -> None:
    order = [0, 4, 2, 1, 5, 3, 6, 7]
    place = {node: index for index, node in enumerate(order)}
    twin = {"nodes": [NODES[node] for node in order], "edges": [[place[u], place[v]] for u, v in NATIVE_EDGES]}
    bodies = [{"study": "demo", "architecture": cell, "value": 0.4} for cell in (CELL, twin)]
    first, second = (await demo.post("/observe", bodies))["trials"]
    assert first == second
    problem = await demo.post("/observe", bodies[1] | {"value": 0.5}, 409)
    assert problem["code"] == "conflicting_observation"


async def test_a_result_from_elsewhere_finishes_a_running_trial(demo: Service) -> None:
    trial = await one(demo)
    body = {"study": "demo", "architecture": trial["architecture"], "value": 0.4}
    assert (await demo.post("/observe", body))["trial"]["id"] == trial["id"]
    assert (await demo.post("/heartbeat", {"worker": "a", "trials": [trial["id"]]}))["stop"][0]["trial"] == trial["id"]
    assert (await demo.observe(trial, 0.6, 409))["code"] == "lease_lost"


async def test_results_from_elsewhere_count_towards_the_budget(service: Service) -> None:
    await service.post("/studies", ONE_SPACE | {"max_trials": 1}, 201)
    await one(service)
    problem = await service.post("/observe", {"study": "demo", "architecture": CELL, "value": 0.4}, 409)
    assert (problem["code"], problem["errors"][0]["pointer"]) == ("budget_exhausted", "/architecture")


async def test_of_many_different_results_at_once_exactly_one_is_taken(demo: Service) -> None:
    trial = await one(demo)
    bodies = [{"trial": trial["id"], "attempt": 1, "value": float(value)} for value in range(10)]
    responses = await asyncio.gather(*(demo.client.post("/observe", json=body) for body in bodies))
    assert sorted(response.status_code for response in responses) == [200] + [409] * 9


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({}, "/value"),
        ({"status": "failed", "value": 0.5}, "/value"),
        ({"status": "infeasible", "value": 0.5}, "/value"),
        ({"status": "stopped", "std": 0.5}, "/std"),
    ],
)
async def test_outcomes_that_contradict_themselves_are_refused(demo: Service, fields: dict[str, Any], pointer: str) -> None:
    trial = await one(demo)
    problem = await demo.post("/observe", {"trial": trial["id"], "attempt": 1, **fields}, 422)
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
