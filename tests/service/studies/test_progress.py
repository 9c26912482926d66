import random
from typing import Any

import pytest
from sqlalchemy import func, select

from service.storage.tables import ProgressRow
from tests.service.api.harness import ONE_SPACE, Service
from tests.service.studies.stopping_oracle import Oracle

pytestmark = pytest.mark.anyio

MEDIAN = {"rule": "median", "min_step": 2, "min_trials": 2}
ASHA = {"rule": "asha", "min_step": 1, "reduction_factor": 2}


async def create(service: Service, stopping: Any = None, **more: Any) -> Any:
    return await service.post("/studies", ONE_SPACE | {"lease_seconds": 60, "stopping": stopping} | more, 201)


async def one(service: Service, worker: str = "a") -> Any:
    (trial,) = (await service.suggest(worker))["trials"]
    return trial


def entry(trial: Any, step: int, value: float, **more: Any) -> dict[str, Any]:
    return {"trial": trial["id"], "attempt": trial["attempt"], "step": step, "value": value} | more


async def beat(service: Service, *progress: Any, worker: str = "a", **more: Any) -> Any:
    return await service.post("/heartbeat", {"worker": worker, "progress": progress} | more)


async def curve(service: Service, trial: Any) -> list[tuple[int, int, float]]:
    page = await service.get(f"/trials/{trial['id']}/progress")
    return [(each["attempt"], each["step"], each["value"]) for each in page["progress"]]


async def test_values_come_with_a_heartbeat_that_renews_the_lease(service: Service) -> None:
    await create(service)
    trial = await one(service)
    service.clock.advance(50)
    answer = await beat(service, entry(trial, 2, 0.5), entry(trial, 1, 0.25))
    assert [(each["trial"], each["attempt"]) for each in answer["renewed"]] == [(trial["id"], 1)]
    assert answer["renewed"][0]["lease_expires_at"] > trial["lease_expires_at"]
    assert (answer["lost"], answer["stop"], answer["dropped"]) == ([], [], [])
    assert await curve(service, trial) == [(1, 1, 0.25), (1, 2, 0.5)]


async def test_the_same_value_again_changes_nothing_and_of_two_the_first_stands(service: Service) -> None:
    await create(service)
    trial = await one(service)
    for _ in range(2):
        assert (await beat(service, entry(trial, 1, 0.25), entry(trial, 2, 0.5)))["dropped"] == []
    answer = await beat(service, entry(trial, 2, 0.75), entry(trial, 3, 0.5), entry(trial, 3, 0.125))
    assert len(answer["renewed"]) == 1
    told = [(each["step"], each["reason"]) for each in answer["dropped"]]
    assert told == [
        (2, "step 2 has the value 0.5 already, 0.75 came; it stays"),
        (3, "step 3 has the value 0.5 already, 0.125 came; it stays"),
    ]
    assert await curve(service, trial) == [(1, 1, 0.25), (1, 2, 0.5), (1, 3, 0.5)]


async def test_values_of_an_attempt_that_lost_its_lease_are_told_as_lost(service: Service) -> None:
    await create(service)
    first = await one(service)
    await beat(service, entry(first, 1, 0.25))
    service.clock.advance(61)
    second = await one(service, "b")
    assert (second["id"], second["attempt"]) == (first["id"], 2)
    answer = await beat(service, entry(first, 2, 0.5))
    assert (answer["renewed"], [each["trial"] for each in answer["lost"]]) == ([], [first["id"]])
    assert [each["step"] for each in answer["dropped"]] == [2]
    assert "'b' holds the trial as attempt 2" in answer["dropped"][0]["reason"]
    assert (await beat(service, entry(second, 1, 0.75), worker="b"))["dropped"] == []
    assert await curve(service, first) == [(1, 1, 0.25), (2, 1, 0.75)]


async def test_a_namesake_of_the_worker_that_holds_an_earlier_attempt_has_lost_it(service: Service) -> None:
    await create(service)
    first = await one(service)
    service.clock.advance(61)
    second = await one(service)
    assert (second["id"], second["attempt"]) == (first["id"], 2)
    service.clock.advance(50)
    answer = await beat(service, entry(first, 1, 0.5), trials=[first["id"]])
    assert (answer["renewed"], [each["trial"] for each in answer["lost"]]) == ([], [first["id"]])
    service.clock.advance(11)
    assert (await one(service, "b"))["attempt"] == 3
    never = await beat(service, entry(second, 1, 0.5, attempt=4), worker="b")
    assert [each["trial"] for each in never["lost"]] == [first["id"]]
    both = await beat(service, entry(first, 1, 0.5), entry(first, 1, 0.75, attempt=3), worker="b")
    assert (len(both["renewed"]), both["lost"]) == (1, [])
    assert [(each["attempt"], each["reason"]) for each in both["dropped"]] == [
        (1, "attempt 1 does not hold the trial, attempt 3 does")
    ]


async def test_values_of_finished_and_unknown_trials_are_dropped_with_the_reason(service: Service) -> None:
    await create(service)
    trial = await one(service)
    await service.observe(trial, 0.5)
    answer = await beat(service, entry(trial, 1, 0.5), entry({"id": "unheard-of", "attempt": 1}, 1, 0.5))
    assert [each["trial"] for each in answer["stop"]] == [trial["id"]]
    assert [each["trial"] for each in answer["lost"]] == ["unheard-of"]
    assert ["already" in each["reason"] for each in answer["dropped"]] == [True, False]
    assert await curve(service, trial) == []


@pytest.mark.parametrize(("stopping", "direction"), [(MEDIAN, "minimize"), (ASHA, "maximize")])
async def test_advice_is_that_of_the_definitions(service: Service, stopping: Any, direction: str) -> None:
    """Trainers that ignore it, so that all of it is seen; each at its own pace, with steps that it does not report."""
    await create(service, stopping, objective=direction)
    trials = (await service.suggest("a", 6))["trials"]
    oracle, rng = Oracle(**stopping, direction=direction), random.Random(3)
    steps = dict.fromkeys(range(len(trials)), 0)
    advised = []
    for _ in range(60):
        place = rng.randrange(len(trials))
        steps[place] += rng.choice([1, 1, 1, 2])
        report = entry(trials[place], steps[place], place + 5 * rng.random())
        answer = await beat(service, report)
        advised.append(oracle.hear(report["trial"], report["step"], report["value"]))
        assert bool(answer["stop"]) == advised[-1], answer
        assert [each["trial"] for each in answer["renewed"]] == [trials[place]["id"]]
    assert 5 < sum(advised) < 45


async def test_what_was_reported_together_or_late_is_judged_as_if_it_had_come_in_order(service: Service) -> None:
    await create(service, MEDIAN | {"min_trials": 1})
    other, trial = (await service.suggest("a", 2))["trials"]
    await beat(service, entry(other, 4, 0.9), entry(other, 1, 0.1), entry(other, 3, 0.5))
    answer = await beat(service, entry(trial, 1, 0.2), entry(trial, 4, 0.4))
    assert answer["stop"][0]["reason"] == "step 4: the best value so far, 0.4, is below the median 0.5 of 1 trials"
    await beat(service, entry(other, 2, 0.9))  # the average at step 3 is that of what had come by then
    assert (await beat(service, entry(trial, 3, 0.31)))["stop"] == []
    assert (await beat(service, entry(trial, 2, 0.3)))["stop"][0]["reason"].endswith("0.3, is below the median 0.5 of 1 trials")


async def test_a_rung_that_was_passed_in_a_bunch_of_reports_is_judged(service: Service) -> None:
    await create(service, ASHA)
    good, bad = (await service.suggest("a", 2))["trials"]
    await beat(service, entry(good, 4, 0.9))
    answer = await beat(service, *(entry(bad, step, step / 10) for step in (1, 4, 5, 7)))
    assert answer["stop"] == [{"trial": bad["id"], "reason": "step 4: 0.4 is not the best of 2 values at rung 4"}]


async def test_without_a_rule_nothing_is_advised(service: Service) -> None:
    assert (await create(service))["stopping"] is None
    trials = (await service.suggest("a", 9))["trials"]
    answer = await beat(service, *(entry(trial, step, float(place)) for place, trial in enumerate(trials) for step in range(1, 10)))
    assert (answer["stop"], len(answer["renewed"])) == ([], 9)


async def test_at_the_end_of_training_nothing_is_advised(service: Service) -> None:
    await create(service, ASHA | {"max_step": 2})
    good, bad = (await service.suggest("a", 2))["trials"]
    for step, expected in ((1, [bad["id"]]), (2, [])):
        answer = await beat(service, entry(good, step, 0.9), entry(bad, step, 0.1))
        assert [each["trial"] for each in answer["stop"]] == expected


async def test_an_answer_that_got_lost_is_given_again(service: Service) -> None:
    await create(service, ASHA)
    good, bad = (await service.suggest("a", 2))["trials"]
    await beat(service, entry(good, 1, 0.9))
    first = await beat(service, entry(bad, 1, 0.1))
    assert first["stop"] == [{"trial": bad["id"], "reason": "step 1: 0.1 is not the best of 2 values at rung 1"}]
    assert (await beat(service, entry(bad, 1, 0.1)))["stop"] == first["stop"]


async def test_a_stopped_trial_keeps_its_value_from_the_search_and_its_architecture_for_ever(service: Service) -> None:
    await create(service, ASHA)
    good, bad = (await service.suggest("a", 2))["trials"]
    await beat(service, entry(good, 1, 0.9), entry(bad, 1, 0.1))
    body = {"trial": bad["id"], "attempt": 1, "status": "stopped", "value": 0.1, "step": 1, "reason": "advised"}
    for _ in range(2):
        assert (await service.post("/observe", body))["trial"]["state"] == "stopped"
    await service.post("/observe", {"trial": good["id"], "attempt": 1, "value": 0.95, "step": 20})
    (stored,) = (await service.get(f"/trials/{bad['id']}"))["observations"]
    assert (stored["status"], stored["value"], stored["step"], stored["reason"]) == ("stopped", 0.1, 1, "advised")
    (stored,) = (await service.get(f"/trials/{good['id']}"))["observations"]
    assert (stored["value"], stored["step"]) == (0.95, 20)
    await service.suggest("b")
    request = service.worker.requests[-1]
    assert [observation.value for observation in request.observations] == [0.95]
    assert bad["canonical_id"] in request.excluded
    assert [trial["id"] for trial in (await service.get("/studies/demo/best", k=5))["trials"]] == [good["id"]]
    assert (await beat(service, entry(bad, 2, 0.2)))["stop"][0]["reason"] == "the trial is stopped already; no result is needed"


async def test_with_several_objectives_the_first_one_is_judged_and_stops_alone(service: Service) -> None:
    objectives = {"loss": "minimize", "latency": "minimize"}
    await service.post("/studies", {"name": "demo", "space": "nasbench201", "objectives": objectives, "stopping": ASHA}, 201)
    good, bad = (await service.suggest("a", 2))["trials"]
    answer = await beat(service, entry(good, 1, 0.1), entry(bad, 1, 0.9))
    assert [each["trial"] for each in answer["stop"]] == [bad["id"]]
    body = {"trial": bad["id"], "attempt": 1, "status": "stopped", "value": 0.9, "step": 1}
    for _ in range(2):
        stopped = (await service.post("/observe", body))["trial"]
        assert (stopped["value"], stopped["values"]) == (0.9, {"loss": 0.9})
    await service.post("/observe", {"trial": good["id"], "attempt": 1, "value": 0.1}, 422)
    assert (await service.get("/studies/demo/pareto"))["size"] == 0


async def test_the_values_of_a_trial_are_paged_in_order_of_attempt_and_step(service: Service) -> None:
    await create(service)
    first = await one(service)
    await beat(service, *(entry(first, step, step / 10) for step in (5, 1, 3)))
    service.clock.advance(61)
    second = await one(service)
    await beat(service, *(entry(second, step, step / 10) for step in (2, 1_000_000_000)))
    found, cursor = [], {}
    while True:
        page = await service.get(f"/trials/{first['id']}/progress", limit=2, **cursor)
        found += [(each["attempt"], each["step"]) for each in page["progress"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert found == [(1, 1), (1, 3), (1, 5), (2, 2), (2, 1_000_000_000)]
    assert (await service.get("/trials/unheard-of/progress", 404))["code"] == "trial_not_found"
    await service.get(f"/trials/{first['id']}/progress", 422, limit=1001)
    far = "YWZ0ZXI6OTk5OTk5OTk5OTk5OTk5OTk5"  # after:999999999999999999
    assert (await service.get(f"/trials/{first['id']}/progress", cursor=far))["progress"] == []


async def test_progress_goes_with_its_study(service: Service) -> None:
    await create(service, ASHA)
    trial = await one(service)
    await beat(service, entry(trial, 1, 0.5))
    database = service.app.state.context.database
    count = select(func.count()).select_from(ProgressRow)
    assert await database.read(lambda session: session.scalar(count)) == 1
    await service.client.delete("/studies/demo")
    assert await database.read(lambda session: session.scalar(count)) == 0
