"""What is proposed: from joint batches, in bounded time, reproducibly, and with the checkpoint that a study was made with."""

import asyncio
import re
from pathlib import Path

import pytest

from tests.fakes import write_model
from tests.service.contract.app import HANGING, SLOW
from tests.service.contract.caller import Caller, answer

pytestmark = pytest.mark.anyio


async def fits(caller: Caller) -> int:
    """How many proposals the processes have computed, by their own metrics."""
    texts = [(await client.get("/metrics")).text for client in caller.deployment.clients]
    return sum(int(float(found)) for text in texts for found in re.findall(r"^svge_fit_seconds_count\{.*\} (\S+)$", text, re.M))


async def test_concurrent_asks_share_their_computations(caller: Caller) -> None:
    study = await caller.study(initial_size=SLOW)
    before = await fits(caller)
    await asyncio.gather(*(caller.suggest(study, f"w{n}") for n in range(16)))
    assert {trial["source"] for trial in await caller.trials(study)} == {"initial"}
    assert await fits(caller) - before <= 8  # a first and a last batch in each process would do, and machines are busy


async def test_a_suggest_answers_while_the_model_hangs_and_says_how(caller: Caller) -> None:
    study = await caller.study(initial_size=HANGING)
    given = await asyncio.gather(*(caller.suggest(study, f"w{n}", wait=0.1) for n in range(3)))
    assert {trials[0]["source"] for trials in given} == {"fallback"}
    waiting = asyncio.create_task(caller.suggest(study, "patient"))
    await asyncio.sleep(0.1)
    await asyncio.gather(*(caller.observe(trial, 0.5) for (trial,) in given))
    assert not waiting.done()  # so nothing was locked meanwhile
    assert (await waiting)[0]["source"] == "fallback"  # the call was ended after compute_seconds


async def conversation(caller: Caller) -> list[tuple[str, str]]:
    """The architectures and sources that one worker is given in an exchange that is the same each time."""
    study = await caller.study(seed=11, initial_size=4, objective="minimize")
    other = await caller.study(seed=12)
    (elsewhere,) = await caller.suggest(other, "w")
    await caller.post("/observe", {"study": study, "architecture": elsewhere["architecture"], "value": 0.1 + 0.2, "std": 1e-3})
    for number in range(5):
        held = await caller.suggest(study, "w", 1 + number % 3)
        status = {"status": "failed", "reason": "?"} if number == 2 else {"value": number / 3, "metrics": {"loss": 0.1}}
        await caller.post("/observe", {"trial": held[-1]["id"], "attempt": held[-1]["attempt"], **status})
    return [(trial["canonical_id"], trial["source"]) for trial in await caller.trials(study)]


@pytest.fixture(scope="session")
def expected() -> list[list[tuple[str, str]]]:
    """The first conversation of the run, which the others have to equal."""
    return []


async def test_one_worker_one_seed_and_the_same_observations_give_the_same_proposals(
    caller: Caller, expected: list[list[tuple[str, str]]]
) -> None:
    expected.append(await conversation(caller))
    expected.append(await conversation(caller))
    assert expected[-1] == expected[-2] == expected[0]
    assert {source for _, source in expected[0]} == {"enqueued", "initial", "acquisition"}


async def test_a_study_stays_with_its_checkpoint(caller: Caller, tmp_path: Path) -> None:
    (pinned,) = [model["hash"] for model in (await caller.get("/models"))["models"] if model["space"] == "enas_macro"]
    study, folder = await caller.study(space="enas_macro"), tmp_path / "other"
    folder.mkdir()
    write_model(folder, "later", "enas_macro")
    async with caller.deployment.beside(models_folder=str(folder)) as client:
        refused = await client.post("/suggest", json={"study": study, "worker": "w"})
        assert answer(refused, 404)["code"] == "model_not_found"
        assert answer(await client.get(f"/studies/{study}"), 200)["model_hash"] == pinned
        new = answer(await client.post("/studies", json={"name": f"{study}-2", "space": "enas_macro"}), 201)
        assert new["model_hash"] != pinned
    assert {trial["model_hash"] for trial in await caller.suggest(study, "w", 2)} == {pinned}
