from typing import Any

import pytest

from service.storage import trials
from service.studies import leases
from tests.service.api.harness import ONE_SPACE, Service

pytestmark = pytest.mark.anyio


@pytest.fixture
async def demo(service: Service) -> Service:
    await service.post("/studies", ONE_SPACE | {"lease_seconds": 60, "max_attempts": 2}, 201)
    return service


async def one(service: Service, worker: str) -> Any:
    (trial,) = (await service.suggest(worker))["trials"]
    return trial


async def sweep(service: Service) -> int:
    return await leases.sweep(service.app.state.context)


async def test_a_trial_whose_lease_ran_out_goes_to_the_next_asker_as_the_next_attempt(demo: Service) -> None:
    first = await one(demo, "a")
    demo.clock.advance(59)
    assert (await one(demo, "b"))["id"] != first["id"]
    demo.clock.advance(2)
    again = await one(demo, "c")
    assert (again["id"], again["attempt"], again["worker"]) == (first["id"], 2, "c")
    assert again["architecture"] == first["architecture"]


async def test_after_the_last_attempt_the_trial_has_failed(demo: Service) -> None:
    first = await one(demo, "a")
    demo.clock.advance(61)
    assert (await one(demo, "b"))["id"] == first["id"]
    demo.clock.advance(61)
    assert (await one(demo, "c"))["id"] != first["id"]
    history = await demo.get(f"/trials/{first['id']}")
    assert (history["trial"]["state"], history["trial"]["reason"]) == ("failed", "the lease ran out in each of 2 attempts")
    assert [attempt["outcome"] for attempt in history["attempts"]] == ["expired", "expired"]
    assert first["canonical_id"] in demo.worker.requests[-1].excluded


async def test_expired_trials_leave_the_pending_set_but_are_not_proposed_again(demo: Service) -> None:
    first = await one(demo, "a")
    demo.clock.advance(61)
    await demo.suggest("b", 2)
    request = demo.worker.requests[-1]
    assert first["canonical_id"] not in {trial["canonical_id"] for trial in (await demo.suggest("c"))["trials"]}
    assert len(request.pending) == 1


async def test_the_sweep_applies_leases_without_anybody_asking(demo: Service) -> None:
    await demo.suggest("a", 3)
    assert await sweep(demo) == 0
    demo.clock.advance(61)
    assert await sweep(demo) == 3
    assert (await demo.get("/studies/demo"))["trials"]["waiting"] == 3
    assert await sweep(demo) == 0


async def test_a_sweep_passes_over_a_study_that_is_deleted_meanwhile(demo: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    await demo.suggest("a", 3)
    demo.clock.advance(61)
    overdue_study, deleted = trials.overdue_study, iter([1])
    monkeypatch.setattr(trials, "overdue_study", lambda *given: next(deleted, None) or overdue_study(*given))
    assert await sweep(demo) == 3


async def test_a_heartbeat_renews_what_the_worker_holds(demo: Service) -> None:
    first = await one(demo, "a")
    demo.clock.advance(50)
    answer = await demo.post("/heartbeat", {"worker": "a", "trials": [first["id"]]})
    assert answer["renewed"][0]["lease_expires_at"] > first["lease_expires_at"]
    demo.clock.advance(50)
    assert (await one(demo, "b"))["id"] != first["id"]


async def test_a_slow_worker_keeps_a_trial_that_nobody_else_was_given(demo: Service) -> None:
    first = await one(demo, "a")
    demo.clock.advance(61)
    await sweep(demo)
    answer = await demo.post("/heartbeat", {"worker": "a", "trials": [first["id"]]})
    assert [(each["trial"], each["attempt"]) for each in answer["renewed"]] == [(first["id"], 1)]
    history = await demo.get(f"/trials/{first['id']}")
    assert (history["trial"]["state"], history["attempts"][0]["outcome"]) == ("running", None)


async def test_a_heartbeat_tells_what_is_lost_and_what_should_stop(demo: Service) -> None:
    mine, taken = (await demo.suggest("a", 2))["trials"]
    await demo.observe(mine, 0.5)
    demo.clock.advance(61)
    assert (await one(demo, "b"))["id"] == taken["id"]
    answer = await demo.post("/heartbeat", {"worker": "a", "trials": [mine["id"], taken["id"], "unheard-of"]})
    assert answer["renewed"] == []
    assert [each["trial"] for each in answer["stop"]] == [mine["id"]]
    assert [each["trial"] for each in answer["lost"]] == [taken["id"], "unheard-of"]
    assert "'b' holds the trial as attempt 2" in answer["lost"][0]["reason"]


async def test_without_a_lease_time_trials_are_kept_for_ever(service: Service) -> None:
    await service.post("/studies", ONE_SPACE | {"lease_seconds": 0}, 201)
    first = await one(service, "a")
    assert first["lease_expires_at"] is None
    service.clock.advance(10**8)
    assert await sweep(service) == 0
    assert (await one(service, "b"))["id"] != first["id"]


async def test_the_service_sets_the_lease_of_studies_that_name_none(service: Service) -> None:
    study = await service.post("/studies", ONE_SPACE, 201)
    assert (study["lease_seconds"], study["max_attempts"]) == (900, 3)
