"""The life of trials: never twice, whose they are, leases, results that are late, repeated or different, and budgets."""

import asyncio
from datetime import datetime
from typing import Any

import pytest

from tests.service.contract.caller import Caller, report

pytestmark = pytest.mark.anyio


async def test_concurrent_askers_never_hold_isomorphic_architectures(caller: Caller) -> None:
    study = await caller.study()
    waits = (0, 20)  # drawn at random, which is likely to collide, and proposed
    given = await asyncio.gather(*(caller.suggest(study, f"w{n}", 3, wait=waits[n % 2]) for n in range(16)))
    stored = await caller.trials(study)
    assert len({trial["canonical_id"] for trials in given for trial in trials}) == 48
    assert {trial["canonical_id"] for trial in stored} == {trial["canonical_id"] for trials in given for trial in trials}
    assert [trial["number"] for trial in stored] == list(range(1, 49))


async def test_an_architecture_with_its_nodes_in_another_order_is_the_same_trial(caller: Caller) -> None:
    study = await caller.study(space="nasbench101")
    nodes, edges = ["input", "conv3x3", "maxpool3x3", "output"], [[0, 1], [0, 2], [1, 3], [2, 3]]
    turned = {"nodes": ["input", "maxpool3x3", "conv3x3", "output"], "edges": edges}
    many = [
        caller.post(f"/studies/{study}/enqueue", {"architectures": [graph]})
        for graph in 4 * [{"nodes": nodes, "edges": edges}, turned]
    ]
    assert len({answer["trials"][0]["id"] for answer in await asyncio.gather(*many)}) == 1
    elsewhere = await caller.post("/observe", {"study": study, "architecture": turned, "value": 0.5})
    assert (elsewhere["trial"]["number"], elsewhere["trial"]["state"]) == (1, "completed")


async def test_a_worker_that_asks_again_gets_what_it_holds_then_new_trials(caller: Caller) -> None:
    study = await caller.study()
    first = await caller.suggest(study, "w", 2)
    await asyncio.sleep(0.01)
    again = await caller.suggest(study, "w", 3)
    assert [trial["id"] for trial in again[:2]] == [trial["id"] for trial in first]
    old, new = [[datetime.fromisoformat(trial["lease_expires_at"]) for trial in trials[:2]] for trials in (first, again)]
    assert min(new) > max(old)
    at_once = await asyncio.gather(*(caller.suggest(study, "w", 3) for _ in range(6)))
    assert {tuple(trial["id"] for trial in trials) for trials in at_once} == {tuple(trial["id"] for trial in again)}


async def expired(caller: Caller, **settings: Any) -> tuple[str, Any]:
    """A study, and a trial of it whose lease ran out and that the sweep took back."""
    study = await caller.study(lease_seconds=1, **settings)
    (trial,) = await caller.suggest(study, "slow")
    while (await caller.get(f"/studies/{study}"))["trials"]["running"]:
        await asyncio.sleep(0.05)
    return study, trial


async def test_a_trial_whose_lease_ran_out_goes_to_the_next_asker(caller: Caller) -> None:
    study, first = await expired(caller, max_attempts=2)
    (second,) = await caller.suggest(study, "next")
    assert (second["id"], second["attempt"], second["worker"]) == (first["id"], 2, "next")
    assert second["architecture"] == first["architecture"]
    beat = await caller.post("/heartbeat", {"worker": "slow", "trials": [first["id"]]})
    assert [each["trial"] for each in beat["lost"]] == [first["id"]]
    while (trial := (await caller.get(f"/trials/{first['id']}"))["trial"])["state"] == "running":
        await asyncio.sleep(0.05)
    assert (trial["state"], trial["reason"]) == ("failed", "the lease ran out in each of 2 attempts")


async def test_heartbeats_keep_a_trial_beyond_its_lease(caller: Caller) -> None:
    study = await caller.study(lease_seconds=1)
    (trial,) = await caller.suggest(study, "w")
    for _ in range(4):
        await asyncio.sleep(0.3)
        beat = await caller.post("/heartbeat", {"worker": "w", "trials": [trial["id"]]})
        assert [(each["trial"], each["attempt"]) for each in beat["renewed"]] == [(trial["id"], 1)]


async def test_a_late_result_counts_until_somebody_else_has_finished_the_trial(caller: Caller) -> None:
    study, first = await expired(caller)
    (second,) = await caller.suggest(study, "next")
    assert (await caller.observe(first, 0.5))["trial"]["value"] == 0.5
    problem = await caller.observe(second, 0.75, 409)
    assert problem["code"] == "lease_lost"
    history = await caller.get(f"/trials/{first['id']}")
    assert [(each["value"], each["late"]) for each in history["observations"]] == [(0.5, False), (0.75, True)]
    assert (history["trial"]["state"], history["trial"]["value"]) == ("completed", 0.5)


async def test_the_same_report_again_changes_nothing(caller: Caller) -> None:
    study = await caller.study()
    (trial,) = await caller.suggest(study, "w")
    answers = await asyncio.gather(*(caller.observe(trial, 0.5) for _ in range(8)))
    before = await caller.get(f"/trials/{trial['id']}")
    assert await caller.observe(trial, 0.5) in answers
    assert await caller.get(f"/trials/{trial['id']}") == before
    assert len(before["observations"]) == 1


async def test_of_different_results_at_once_one_is_taken_and_all_stay_visible(caller: Caller) -> None:
    study = await caller.study()
    (trial,) = await caller.suggest(study, "w")
    sent = [caller.send("POST", "/observe", json=report(trial, n / 8)) for n in range(8)]
    responses = await asyncio.gather(*sent)
    assert sorted(response.status_code for response in responses) == [200] + 7 * [409]
    assert {response.json()["code"] for response in responses if response.status_code == 409} == {"conflicting_observation"}
    history = await caller.get(f"/trials/{trial['id']}")
    assert {each["value"] for each in history["observations"]} == {n / 8 for n in range(8)}
    assert [each["value"] for each in history["observations"] if not each["late"]] == [history["trial"]["value"]]


async def test_a_batch_is_stored_as_a_whole_or_not_at_all(caller: Caller) -> None:
    study = await caller.study()
    first, second = await caller.suggest(study, "w", 2)
    await caller.post("/observe", [report(first, 0.5), report(second, 0.25) | {"attempt": 2}], 422)
    assert {trial["state"] for trial in await caller.trials(study)} == {"running"}
    await caller.post("/observe", [report(first, 0.5), report(second, 0.25)])
    assert {trial["state"] for trial in await caller.trials(study)} == {"completed"}


async def test_a_budget_is_met_exactly_however_many_ask_at_once(caller: Caller) -> None:
    study = await caller.study(max_trials=20)
    asks = [{"study": study, "worker": f"w{n}", "count": 2, "wait": 20 * (n % 2)} for n in range(16)]
    answers = await asyncio.gather(*(caller.post("/suggest", ask) for ask in asks))
    assert sum(len(answer["trials"]) for answer in answers) == 20
    assert all("max_trials of 20" in answer["reason"] for answer in answers if len(answer["trials"]) < 2)
    known = {trial["canonical_id"] for trial in await caller.trials(study)}
    other = await caller.study()
    new = next(trial for trial in await caller.suggest(other, "w", 21) if trial["canonical_id"] not in known)
    await caller.post(f"/studies/{study}/enqueue", {"architectures": [new["architecture"]]}, 409)
    await caller.post("/observe", {"study": study, "architecture": new["architecture"], "value": 0.5}, 409)
    assert len(await caller.trials(study)) == 20
