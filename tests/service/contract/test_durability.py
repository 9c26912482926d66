"""What was acknowledged is there, whatever happened to the process that acknowledged it."""

import asyncio

import httpx
import pytest

from tests.service.contract.caller import Caller, report

pytestmark = pytest.mark.anyio

_TRAINERS, _RESULTS = 6, 30


async def test_processes_that_are_killed_under_load_lose_nothing_that_they_acknowledged(caller: Caller) -> None:
    study = await caller.study()
    handed_out: dict[str, str] = {}
    acknowledged: dict[str, float] = {}

    async def train(worker: str) -> None:
        while len(acknowledged) < _RESULTS:
            try:
                (trial,) = await caller.suggest(study, worker)
                handed_out[trial["id"]] = worker
                value = len(acknowledged) / 7
                await caller.observe(trial, value)
                acknowledged[trial["id"]] = value
            except httpx.TransportError:
                await asyncio.sleep(0.05)

    trainers = [asyncio.create_task(train(f"w{number}")) for number in range(_TRAINERS)]
    while len(acknowledged) < _RESULTS // 2:
        await asyncio.sleep(0.01)
        assert not any(trainer.done() for trainer in trainers), trainers
    (done,), (running,) = await caller.suggest(study, "a"), await caller.suggest(study, "b")
    key = {"Idempotency-Key": study}
    first = await caller.send("POST", "/observe", json=report(done, 0.5), headers=key)
    await caller.deployment.crash()

    again = await caller.send("POST", "/observe", json=report(done, 0.5), headers=key)
    assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
    assert [trial["id"] for trial in await caller.suggest(study, "b")] == [running["id"]]
    await asyncio.gather(*trainers)
    stored = {trial["id"]: trial for trial in await caller.trials(study)}
    assert {trial_id: stored[trial_id]["value"] for trial_id in acknowledged} == acknowledged
    assert {trial_id: stored[trial_id]["worker"] for trial_id in handed_out} == handed_out
    assert all(trial["attempt"] == 1 for trial in stored.values())
