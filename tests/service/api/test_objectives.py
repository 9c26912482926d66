"""Several objectives and limits over HTTP: from the study to its best trade-offs."""

from typing import Any

import pytest

from models.networks.costs.published_cost import published_cost
from models.search.proposal import FurtherObjective, Limits
from models.spaces.nasbench201 import NasBench201
from tests.service.api.harness import ONE_SPACE, Service

pytestmark = pytest.mark.anyio

GOAL = {"accuracy": "maximize", "latency": "minimize"}
STUDY = {"name": "demo", "space": "nasbench201", "objectives": GOAL}


async def report(service: Service, trial: Any, expected: int = 200, /, **content: Any) -> Any:
    return await service.post("/observe", {"trial": trial["id"], "attempt": trial["attempt"], **content}, expected)


async def test_a_study_of_several_objectives_from_its_creation_to_its_front(service: Service) -> None:
    study = await service.post("/studies", STUDY, 201)
    assert (study["objectives"], study["objective"], study["limits"]) == (GOAL, "maximize", None)
    trials = (await service.suggest("a", 4))["trials"]
    points = [(0.9, 5.0), (0.8, 3.0), (0.7, 4.0), (0.95, 9.0)]
    for trial, (accuracy, latency) in zip(trials, points, strict=True):
        answer = await report(service, trial, values={"latency": latency, "accuracy": accuracy})
        assert (answer["trial"]["value"], answer["trial"]["values"]) == (accuracy, {"accuracy": accuracy, "latency": latency})
    front = await service.get("/studies/demo/pareto")
    assert [trial["value"] for trial in front["trials"]] == [0.95, 0.9, 0.8]
    assert front["size"] == 3
    shorter = await service.get("/studies/demo/pareto", limit=1)
    assert ([trial["value"] for trial in shorter["trials"]], shorter["size"]) == ([0.95], 3)
    assert [trial["value"] for trial in (await service.get("/studies/demo/best", k=2))["trials"]] == [0.95, 0.9]
    assert (await service.get("/studies/demo"))["best_value"] == 0.95
    await service.suggest("b", 5)
    request = service.worker.requests[-1]
    assert request.further == (FurtherObjective("minimize"),)
    assert {(one.value, *one.further) for one in request.observations} == set(points)


async def test_costs_are_counted_and_only_the_rest_is_reported(service: Service) -> None:
    objectives = {"parameters": "minimize", "accuracy": "maximize"}
    study = await service.post("/studies", STUDY | {"objectives": objectives}, 201)
    assert study["objective"] == "maximize"
    trials = (await service.suggest("a", 20))["trials"]
    for trial in trials:
        cost = published_cost(NasBench201().parse_native(trial["native"]))
        assert (trial["parameters"], trial["multiply_adds"]) == (cost.parameters, cost.multiply_adds)
    await report(service, trials[0], value=0.5)
    for place, trial in enumerate(trials[1:], start=1):
        await report(service, trial, values={"accuracy": 0.5 + place / 100})
    front = (await service.get("/studies/demo/pareto"))["trials"]
    best = {trial["id"] for trial in front}
    costs = {trial["id"]: trial["parameters"] for trial in trials}
    for place, trial in enumerate(trials):
        is_dominated = any(costs[other["id"]] <= costs[trial["id"]] for other in trials[place + 1 :])
        assert (trial["id"] in best) != is_dominated
    error = await report(service, trials[0], 422, values={"accuracy": 0.5, "parameters": 3.0})
    assert "'parameters' is counted from the architecture, leave it out" in error["errors"][0]["message"]


async def test_the_same_report_again_changes_nothing_and_another_is_a_conflict(service: Service) -> None:
    await service.post("/studies", STUDY, 201)
    trial = (await service.suggest("a"))["trials"][0]
    first = await report(service, trial, values={"accuracy": 0.9, "latency": 3.0})
    assert await report(service, trial, values={"latency": 3.0, "accuracy": 0.9}) == first
    error = await report(service, trial, 409, values={"accuracy": 0.9, "latency": 4.0})
    assert error["code"] == "conflicting_observation"
    (conflict,) = error["conflicts"]
    assert conflict["recorded"]["values"] == {"accuracy": 0.9, "latency": 3.0}
    assert conflict["received"]["values"] == {"accuracy": 0.9, "latency": 4.0}
    observations = (await service.get(f"/trials/{trial['id']}"))["observations"]
    assert [(one["values"]["latency"], one["late"]) for one in observations] == [(3.0, False), (4.0, True)]


async def test_results_from_elsewhere_have_values_too(service: Service) -> None:
    await service.post("/studies", STUDY, 201)
    trial = (await service.suggest("a"))["trials"][0]
    body = {"study": "demo", "architecture": trial["architecture"], "values": {"accuracy": 0.6, "latency": 1.0}}
    assert (await service.post("/observe", body))["trial"]["values"] == body["values"]
    assert (await service.get("/studies/demo/pareto"))["size"] == 1


@pytest.mark.parametrize(
    ("content", "pointer", "message"),
    [
        ({"value": 0.9}, "/value", "has several objectives; give 'values' of 'accuracy', 'latency'"),
        ({"values": {"accuracy": 0.9}}, "/values", "expected values of 'accuracy', 'latency', got 'accuracy'"),
        ({"values": {}}, "/values", "expected values of 'accuracy', 'latency', got none"),
        (
            {"values": {"accuracy": 0.9, "speed": 1.0}},
            "/values",
            "of 'accuracy', 'latency', got 'accuracy', 'speed'",
        ),
        ({"value": 0.9, "values": {"accuracy": 0.9, "latency": 1.0}}, "/values", "expected 'value' or 'values', got both"),
        ({"values": {"accuracy": 0.9, "latency": 1.0}, "status": "failed"}, "/values", "a trial that is 'failed' has no value"),
        ({"values": {"accuracy": 0.9, "latency": "fast"}}, "/values/latency", "valid number"),
        ({"values": {"accuracy": 0.9, "a b": 1.0}}, "/values/a b", "match pattern"),
    ],
)
async def test_values_that_do_not_fit_are_refused(service: Service, content: dict[str, Any], pointer: str, message: str) -> None:
    await service.post("/studies", STUDY, 201)
    trial = (await service.suggest("a"))["trials"][0]
    error = await report(service, trial, 422, **content)
    assert any(fault["pointer"] == pointer and message in fault["message"] for fault in error["errors"]), error
    assert (await service.get(f"/trials/{trial['id']}"))["observations"] == []


async def test_a_study_with_one_objective_takes_no_names(service: Service) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    trial = (await service.suggest("a"))["trials"][0]
    error = await report(service, trial, 422, values={"accuracy": 0.9})
    assert error["errors"][0]["pointer"] == "/values"
    assert "has one objective without a name; give its 'value'" in error["errors"][0]["message"]


async def test_the_front_of_one_objective_is_all_that_is_best(service: Service) -> None:
    await service.post("/studies", ONE_SPACE | {"objective": "minimize"}, 201)
    assert await service.get("/studies/demo/pareto") == {"trials": [], "size": 0}
    trials = (await service.suggest("a", 3))["trials"]
    for trial, value in zip(trials, (0.5, 0.1, 0.1), strict=True):
        await service.observe(trial, value)
    front = await service.get("/studies/demo/pareto")
    assert [trial["number"] for trial in front["trials"]] == [2, 3]


@pytest.mark.parametrize(
    ("changes", "pointer", "message"),
    [
        ({"objective": "maximize"}, "", "expected 'objective' or 'objectives', got both"),
        ({"objectives": {"parameters": "minimize"}}, "/objectives", "expected an objective beside the costs"),
        ({"objectives": {}}, "/objectives", "at least 1"),
        ({"objectives": {name: "maximize" for name in "abcd"}}, "/objectives", "at most 3"),
        ({"objectives": {"a": "upwards", "b": "minimize"}}, "/objectives/a", "'maximize' or 'minimize'"),
        ({"strategy": "ucb"}, "/strategy", "expected one of svge, latent_random, random for several objectives, got 'ucb'"),
        ({"limits": {"parameters": 0}}, "/limits/parameters", "greater than or equal to 1"),
        ({"limits": {"weights": 5}}, "/limits/weights", "unknown field"),
    ],
)
async def test_goals_that_contradict_themselves_are_refused(
    service: Service, changes: dict[str, Any], pointer: str, message: str
) -> None:
    error = await service.post("/studies", STUDY | changes, 422)
    assert any(fault["pointer"].startswith(pointer) and message in fault["message"] for fault in error["errors"]), error
    assert (await service.get("/studies"))["studies"] == []


async def test_a_strategy_for_one_request_is_checked_too(service: Service) -> None:
    await service.post("/studies", STUDY, 201)
    error = await service.post("/suggest", {"study": "demo", "worker": "a", "strategy": "thompson"}, 422)
    assert error["errors"][0]["pointer"] == "/strategy"


@pytest.mark.parametrize("wait", [0, 5])
async def test_limits_go_with_every_request_and_bind_random_draws_as_well(service: Service, wait: int) -> None:
    limit = 400_000
    study = await service.post("/studies", ONE_SPACE | {"limits": {"parameters": limit}}, 201)
    assert study["limits"] == {"parameters": limit, "multiply_adds": None}
    trials = (await service.suggest("a", 10, wait=wait))["trials"]
    if wait:
        assert service.worker.requests[-1].limits == Limits(parameters=limit)
    else:
        assert len(trials) == 10
        assert all(trial["parameters"] <= limit for trial in trials)
        assert {trial["source"] for trial in trials} == {"fallback"}


async def test_limits_that_nothing_is_within_end_with_a_reason(service: Service) -> None:
    await service.post("/studies", ONE_SPACE | {"limits": {"multiply_adds": 1}}, 201)
    answer = await service.suggest("a", wait=0)
    assert answer["trials"] == []
    assert "was new and within the limits" in answer["reason"]
