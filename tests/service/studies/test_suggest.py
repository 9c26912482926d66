import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.spaces.registry import get_space
from models.spaces.space import SearchSpace
from service.storage.values import StudySettings
from service.studies.fallback import random_offers
from service.studies.grants import Offer
from tests.service.api.harness import ONE_SPACE, Service, running

pytestmark = pytest.mark.anyio


@pytest.fixture
async def demo(service: Service) -> Service:
    await service.post("/studies", ONE_SPACE, 201)
    return service


def ids(answer: Any) -> list[str]:
    return [trial["id"] for trial in answer["trials"]]


async def test_a_worker_that_asks_again_gets_its_own_trials_first_then_new_ones(demo: Service) -> None:
    first = await demo.suggest("a", 2)
    other = await demo.suggest("b", 2)
    demo.clock.advance(60)
    again = await demo.suggest("a", 3)
    assert ids(again)[:2] == ids(first)
    assert not set(ids(again)) & set(ids(other))
    assert [trial["attempt"] for trial in again["trials"]] == [1, 1, 1]
    assert again["trials"][0]["lease_expires_at"] > first["trials"][0]["lease_expires_at"]
    assert ids(await demo.suggest("a", 1)) == ids(first)[:1]


async def test_sixty_four_workers_at_once_get_different_architectures_from_few_joint_proposals(demo: Service) -> None:
    answers = await asyncio.gather(*(demo.suggest(f"worker-{index}", 2) for index in range(64)))
    found = [trial["canonical_id"] for answer in answers for trial in answer["trials"]]
    assert len(found) == len(set(found)) == 128
    assert len(demo.worker.requests) <= 8
    assert (await demo.get("/studies/demo"))["trials"]["running"] == 128


async def test_asks_that_wait_for_a_computation_are_answered_from_one(demo: Service) -> None:
    demo.worker.gate.clear()
    first = asyncio.create_task(demo.suggest("a"))
    while not demo.worker.requests:
        await asyncio.sleep(0.01)
    others = [asyncio.create_task(demo.suggest(name, 2)) for name in "bcde"]
    await asyncio.sleep(0.3)
    demo.worker.gate.set()
    answers = await asyncio.gather(first, *others)
    assert [len(answer["trials"]) for answer in answers] == [1, 2, 2, 2, 2]
    assert [request.count for request in demo.worker.requests] == [1, 8]
    assert len(demo.worker.requests[1].pending) == 1


async def test_a_worker_that_asks_twice_at_once_gets_one_set_of_trials(demo: Service) -> None:
    answers = await asyncio.gather(*(demo.suggest("same", 2) for _ in range(6)))
    assert len({tuple(ids(answer)) for answer in answers}) == 1
    assert {request.count for request in demo.worker.requests} == {2}
    assert (await demo.get("/studies/demo"))["trials"]["running"] == 2


async def test_the_search_is_told_all_that_it_must_know(demo: Service) -> None:
    trials = (await demo.suggest("a", 5))["trials"]
    await demo.observe(trials[0], 0.5)
    await demo.post("/observe", {"trial": trials[1]["id"], "attempt": 1, "status": "failed", "reason": "out of memory"})
    await demo.post("/observe", {"trial": trials[2]["id"], "attempt": 1, "status": "infeasible"})
    await demo.post("/observe", {"trial": trials[3]["id"], "attempt": 1, "status": "stopped", "value": 0.1})
    await demo.suggest("b")
    request = demo.worker.requests[-1]
    assert [(o.architecture.nodes, o.value) for o in request.observations] == [(tuple(trials[0]["architecture"]["nodes"]), 0.5)]
    assert [a.nodes for a in request.pending] == [tuple(trials[4]["architecture"]["nodes"])]
    assert set(request.excluded) == {trial["canonical_id"] for trial in trials[1:4]}
    assert (request.direction, request.strategy, request.initial_size, request.max_nodes) == ("maximize", "svge", 10, None)
    assert request.hyperparameters == {"fits": [1.0]}


async def test_strategy_and_size_of_one_request_reach_the_search(demo: Service) -> None:
    await demo.suggest("a", strategy="random", max_nodes=9)
    assert (demo.worker.requests[0].strategy, demo.worker.requests[0].max_nodes) == ("random", 9)


async def test_equal_seeds_and_observations_give_equal_proposals(tmp_path: Path) -> None:
    async def run(folder: Path) -> list[str]:
        folder.mkdir()
        async with running(folder) as service:
            await service.post("/studies", ONE_SPACE, 201)
            found = []
            for step in range(4):
                (trial,) = (await service.suggest("a"))["trials"]
                found.append(trial["canonical_id"])
                await service.observe(trial, step / 10)
            return found

    first = await run(tmp_path / "first")
    assert first == await run(tmp_path / "second")
    assert len(set(first)) == 4


async def test_the_budget_holds_for_many_at_once_and_is_said(service: Service) -> None:
    await service.post("/studies", ONE_SPACE | {"max_trials": 10}, 201)
    answers = await asyncio.gather(*(service.suggest(f"w{index}", 3) for index in range(8)))
    assert sum(len(answer["trials"]) for answer in answers) == 10
    assert all("max_trials of 10" in answer["reason"] for answer in answers if len(answer["trials"]) < 3)
    assert (await service.suggest("late"))["trials"] == []
    assert all(request.count <= 10 for request in service.worker.requests)


async def test_the_budget_holds_without_a_model_too(service: Service) -> None:
    await service.post("/studies", ONE_SPACE | {"max_trials": 10}, 201)
    service.worker.lost = True
    answers = await asyncio.gather(*(service.suggest(f"w{index}", 3) for index in range(8)))
    assert sum(len(answer["trials"]) for answer in answers) == 10


async def test_a_lost_worker_is_replaced_by_random_architectures_that_are_said_to_be_so(demo: Service) -> None:
    demo.worker.lost = True
    answers = await asyncio.gather(*(demo.suggest(name, 3) for name in "abcd"))
    trials = [trial for answer in answers for trial in answer["trials"]]
    assert len({trial["canonical_id"] for trial in trials}) == 12
    assert {(trial["source"], trial["latent"], trial["acquisition_value"]) for trial in trials} == {("fallback", None, None)}
    demo.worker.lost = False
    assert (await demo.suggest("e"))["trials"][0]["source"] == "initial"


async def test_a_slow_worker_is_not_waited_for_longer_than_asked(demo: Service) -> None:
    demo.worker.gate.clear()
    answer = await demo.suggest("a", 2, wait=0.1)
    assert [trial["source"] for trial in answer["trials"]] == ["fallback", "fallback"]
    demo.worker.gate.set()
    assert (await demo.suggest("b"))["trials"][0]["source"] == "initial"
    assert (await demo.get("/studies/demo"))["trials"]["running"] == 3


async def test_a_proposal_that_comes_too_late_is_the_next_askers(demo: Service) -> None:
    demo.worker.gate.clear()
    early = 0
    while not demo.worker.requests:  # on a busy machine nothing may be computing yet when the wait is over
        await demo.suggest(f"a-{early}", wait=0.1)
        early += 1
    demo.worker.gate.set()
    for _ in range(100):
        answer = await demo.suggest("b", wait=0)
        if answer["trials"][0]["source"] == "initial":
            break
        await demo.observe(answer["trials"][0], 0.5)
        await asyncio.sleep(0.02)
    assert answer["trials"][0]["source"] == "initial"
    assert len(demo.worker.requests) == 1
    await demo.suggest("c")
    assert demo.worker.requests[-1].hyperparameters == {"fits": [1.0]}


async def test_rounds_that_serve_others_do_not_end_the_wait(demo: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    propose = demo.worker.propose

    async def one_by_one(model: str, request: Any, study: int = 0) -> Any:
        batch = await propose(model, request)
        return replace(batch, proposals=batch.proposals[:1], reason=None)

    monkeypatch.setattr(demo.worker, "propose", one_by_one)
    answers = await asyncio.gather(*(demo.suggest(f"worker-{index}") for index in range(8)))
    assert {trial["source"] for answer in answers for trial in answer["trials"]} == {"initial"}


async def test_a_search_with_a_fault_is_logged_and_answered_at_random(
    demo: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def explode(*_: Any) -> Any:
        raise ZeroDivisionError("an outcome without a scale")

    monkeypatch.setattr(demo.worker, "propose", explode)
    assert (await demo.suggest("a"))["trials"][0]["source"] == "fallback"
    assert "Traceback" in caplog.text
    assert "an outcome without a scale" in caplog.text


async def test_random_draws_go_on_where_most_of_a_space_is_tried_and_say_honestly_what_they_found(
    demo: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def same(space: SearchSpace, settings: StudySettings, created: int, worker: str, attempt: int, count: int) -> list[Offer]:
        return random_offers(space, settings, 0, "w", max(attempt - lag, 0), 1)

    monkeypatch.setattr("service.studies.suggest.random_offers", same)
    lag = 10
    assert len((await demo.suggest("a", 2, wait=0))["trials"]) == 2
    lag = 1000
    assert "ask again, with a longer wait" in (await demo.suggest("a", 3, wait=0))["reason"]
    monkeypatch.setattr(type(get_space("nasbench201")), "size", 2)
    assert "has 2 trials, 'nasbench201' has 2 architectures" in (await demo.suggest("a", 3, wait=0))["reason"]


async def test_workers_that_fall_back_at_once_draw_different_architectures(demo: Service) -> None:
    answers = await asyncio.gather(*(demo.suggest(f"worker-{index}", 20, wait=0) for index in range(30)))
    found = [trial["canonical_id"] for answer in answers for trial in answer["trials"]]
    assert len(found) == len(set(found)) == 600
    assert {answer["reason"] for answer in answers} == {None}


@pytest.mark.parametrize("max_nodes", [3, 17])
async def test_sizes_that_the_space_cannot_be_searched_at_are_refused(max_nodes: int, demo: Service) -> None:
    problem = await demo.post("/suggest", {"study": "demo", "worker": "a", "max_nodes": max_nodes}, 422)
    assert problem["errors"][0]["pointer"] == "/max_nodes"
    assert "expected 8 to 16 nodes" in problem["detail"]


async def test_a_study_whose_checkpoint_is_gone_says_so(demo: Service, tmp_path: Path) -> None:
    (tmp_path / "lines.json").unlink()
    problem = await demo.post("/suggest", {"study": "demo", "worker": "a"}, 404)
    assert problem["code"] == "model_not_found"


async def test_no_wait_means_no_proposal(demo: Service) -> None:
    assert (await demo.suggest("a", wait=0))["trials"][0]["source"] == "fallback"
    assert demo.worker.requests == []


async def test_while_a_model_computes_others_can_write(demo: Service) -> None:
    trial = (await demo.suggest("a"))["trials"][0]
    demo.worker.gate.clear()
    waiting = asyncio.create_task(demo.suggest("b"))
    while len(demo.worker.requests) < 2:
        await asyncio.sleep(0.01)
    assert (await demo.observe(trial, 0.5))["trial"]["state"] == "completed"
    assert not waiting.done()
    demo.worker.gate.set()
    await waiting


async def test_a_space_that_is_used_up_is_said_to_be(demo: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    propose = demo.worker.propose

    async def nothing_left(model: str, request: Any, study: int = 0) -> Any:
        return replace(await propose(model, request), proposals=(), reason="all 15625 architectures are tried")

    monkeypatch.setattr(demo.worker, "propose", nothing_left)
    assert await demo.suggest("a", 2) == {"trials": [], "reason": "all 15625 architectures are tried"}


async def test_proposals_that_exist_already_are_not_taken_twice(demo: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    propose = demo.worker.propose

    async def forgetful(model: str, request: Any, study: int = 0) -> Any:
        return await propose(model, replace(request, seed=0, pending=(), excluded=(), observations=()))

    monkeypatch.setattr(demo.worker, "propose", forgetful)
    found = [(await demo.suggest(name))["trials"][0] for name in "abc"]
    assert len({trial["canonical_id"] for trial in found}) == 3
    assert [trial["source"] for trial in found] == ["initial", "fallback", "fallback"]


async def test_what_is_acknowledged_survives_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.post("/studies", ONE_SPACE, 201)
        given = await service.suggest("a", 2)
        await service.observe(given["trials"][0], 0.5)
    async with running(tmp_path) as service:
        assert ids(await service.suggest("a")) == ids(given)[1:]
        assert (await service.get("/studies/demo/best"))["trials"][0]["value"] == 0.5


async def test_a_thousand_observations_are_no_burden(demo: Service) -> None:
    space = "nasbench101"
    await demo.post("/studies", {"name": "large", "space": space}, 201)
    decoded = await demo.get("/decode", study="large", random=1100)
    distinct = list({item["canonical_id"]: item["architecture"] for item in decoded["architectures"]}.values())[:1000]
    batch = [{"study": "large", "architecture": each, "value": index / 1000} for index, each in enumerate(distinct)]
    assert len((await demo.post("/observe", batch))["trials"]) == 1000
    answer = await demo.post("/suggest", {"study": "large", "worker": "w", "count": 3})
    assert [trial["observations_seen"] for trial in answer["trials"]] == [1000] * 3
    assert len(demo.worker.requests[-1].observations) == 1000
