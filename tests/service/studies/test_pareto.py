"""The front that is kept against one computed from all that was reported."""

from typing import Any

import numpy as np
import pytest

from models.architectures.formats import to_json
from models.networks.costs.published_cost import published_cost
from models.search.dominance import non_dominated
from service.storage import fronts, studies
from service.studies.pareto import trade_offs
from tests.service.api.harness import Service
from tests.service.storage.test_trials import architectures

pytestmark = pytest.mark.anyio

STUDY = {"name": "demo", "space": "nasbench201", "objectives": {"accuracy": "maximize", "latency": "minimize"}}


def reports(points: Any, first: int) -> list[dict[str, Any]]:
    graphs = architectures(first + len(points))[first:]
    return [
        {"study": "demo", "architecture": to_json(graph), "values": {"accuracy": accuracy, "latency": latency}}
        for graph, (accuracy, latency) in zip(graphs, points.tolist(), strict=True)
    ]


async def front(service: Service) -> tuple[list[tuple[float, float]], int]:
    answer = await service.get("/studies/demo/pareto")
    return [(trial["values"]["accuracy"], trial["values"]["latency"]) for trial in answer["trials"]], answer["size"]


def expected(points: Any) -> tuple[list[tuple[float, float]], int]:
    best = points[non_dominated(points * (1.0, -1.0))]
    return [tuple(point) for point in best[np.argsort(-best[:, 0], kind="stable")].tolist()], len(best)


async def accounted(service: Service, completed: int | None = None) -> int:
    """How many trials the kept front accounts for; first made to be `completed`, where that is given."""
    database = service.app.state.context.database
    study = await database.read(lambda session: studies.find(session, "demo"))
    if completed is not None:
        await database.write(lambda session: fronts.account(session, study.id, completed))
    found: int = await database.read(lambda session: fronts.accounted(session, study.id))
    return found


async def test_the_kept_front_is_that_of_all_reports_in_batches_of_any_size(service: Service) -> None:
    await service.post("/studies", STUDY, 201)
    assert await front(service) == ([], 0)
    points = np.random.default_rng(0).integers(0, 12, (60, 2)).astype(np.float64)
    done = 0
    for size in (1, 1, 8, 20, 30):
        await service.post("/observe", reports(points[done : done + size], done))
        done += size
        assert await front(service) == expected(points[:done])
        assert await accounted(service) == done


async def test_a_front_that_does_not_account_for_all_is_not_used_and_made_again_at_the_next_report(service: Service) -> None:
    """As in a study from before fronts were kept."""
    await service.post("/studies", STUDY, 201)
    points = np.random.default_rng(1).integers(0, 12, (40, 2)).astype(np.float64)
    await service.post("/observe", reports(points[:30], 0))
    database = service.app.state.context.database
    study = await database.read(lambda session: studies.find(session, "demo"))
    await database.write(lambda session: fronts.replace(session, study.id, []))
    await accounted(service, 0)
    assert await front(service) == expected(points[:30])
    (failed,) = (await service.suggest("a", wait=0))["trials"]
    await service.post("/observe", {"trial": failed["id"], "attempt": 1, "status": "failed"})
    assert await accounted(service) == 0
    await service.post("/observe", reports(points[30:], 30))
    assert await accounted(service) == 40
    assert await front(service) == expected(points)


async def test_what_is_drawn_has_outcomes_as_they_were_reported_and_costs_that_are_counted(service: Service) -> None:
    await service.post("/studies", STUDY | {"objectives": STUDY["objectives"] | {"parameters": "minimize"}}, 201)
    points = np.random.default_rng(2).integers(0, 12, (30, 2)).astype(np.float64)
    trials = await service.post("/observe", reports(points, 0))
    context = service.app.state.context
    costs = [published_cost(graph).parameters for graph in architectures(30)]
    known = {trial["id"]: (*point, cost) for trial, point, cost in zip(trials["trials"], points.tolist(), costs, strict=True)}
    best = [trial["id"] for trial in (await service.get("/studies/demo/pareto", limit=30))["trials"]]
    for _ in ("kept", "not kept"):
        found = await trade_offs(context, "demo", 30)
        assert {one.trial_id: one.outcomes for one in (*found.best, *found.others)} == known
        assert [one.trial_id for one in found.best] == best
        few = await trade_offs(context, "demo", 3)
        assert [one.trial_id for one in few.best] == best[:3]
        assert {one.number for one in few.others} <= {28, 29, 30}
        await accounted(service, 0)
