"""What is different with asyncio: heartbeats come from a task, a cancelled training reports nothing, pauses let others work.

What the two clients share is checked with the one for threads, which is made from the other.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from svge_client import AsyncClient, AsyncRunningTrial, LeaseLost, NothingToDo, TrialStopped, Unreachable

from tests.client.live import serving
from tests.client.test_running import ADVICE, COMPLETED, GO_ON, RARELY, RENEWED, ended, reported
from tests.client.wire import STUDY, TRIAL, FakeServer, answer, async_client_of, problem

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def server() -> FakeServer:
    server = FakeServer()
    server.on("/studies/demo", answer(STUDY))
    server.on("/suggest", answer({"trials": [TRIAL]}))
    server.on("/heartbeat", RENEWED)
    server.on("/observe", COMPLETED)
    return server


@pytest.fixture
async def client(server: FakeServer) -> AsyncIterator[AsyncClient]:
    async with async_client_of(server) as client:
        yield client


def heartbeat_tasks() -> list[asyncio.Task[Any]]:
    return [task for task in asyncio.all_tasks() if task.get_name().startswith("svge-heartbeat")]


async def wait_for(server: FakeServer, path: str, times: int) -> None:
    async with asyncio.timeout(30):
        while len(server.bodies(path)) < times:
            await asyncio.sleep(0.005)


async def test_a_task_renews_the_lease_while_the_body_runs_and_no_longer(server: FakeServer, client: AsyncClient) -> None:
    async with client.trial("demo", heartbeat_seconds=0.01) as trial:
        assert len(heartbeat_tasks()) == 1
        await wait_for(server, "/heartbeat", times=2)
        assert (await trial.report(0.5)).value == 0.5
    assert heartbeat_tasks() == []
    assert [body["status"] for body in server.bodies("/observe")] == ["completed"]


async def test_trials_side_by_side_have_workers_of_their_own(server: FakeServer, client: AsyncClient) -> None:
    async with client.trial("demo", RARELY, worker="a") as first, client.trial("demo", RARELY, worker="b") as second:
        await first.progress(1, 0.5)
        await second.progress(1, 0.5)
        await first.report(0.5)
        await second.report(0.5)
    assert [body["worker"] for body in server.bodies("/suggest")] == ["a", "b"]
    assert [body["worker"] for body in server.bodies("/heartbeat")] == ["a", "b"]


async def test_a_cancelled_training_leaves_the_trial_to_somebody_else(server: FakeServer, client: AsyncClient) -> None:
    entered = asyncio.Event()

    async def train() -> None:
        async with client.trial("demo", heartbeat_seconds=0.01):
            entered.set()
            await asyncio.sleep(3600)

    task = asyncio.create_task(train())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert server.bodies("/observe") == []
    assert heartbeat_tasks() == []


async def test_exceptions_stops_and_lost_leases_end_the_body_as_with_threads(server: FakeServer, client: AsyncClient) -> None:
    with pytest.raises(MemoryError):
        async with client.trial("demo", RARELY):
            raise MemoryError("too large")
    server.on("/heartbeat", GO_ON, ADVICE)
    async with client.trial("demo", RARELY) as trial:
        for epoch in (1, 2, 3):
            await trial.progress(epoch, 0.25)
    server.on("/observe", problem(409, "lease_lost"))
    with contextlib.suppress(LeaseLost):
        async with client.trial("demo", RARELY) as trial:
            await trial.report(0.5)
        pytest.fail("the lease was lost")
    assert [body["status"] for body in ended(server)] == ["failed", "stopped", "completed"]
    assert reported(server) == [[(1, 0.25)], [(2, 0.25)]]


async def test_others_work_while_a_request_waits_to_be_sent_again(server: FakeServer) -> None:
    refused = problem(503, "model_unavailable")
    refused.headers["Retry-After"] = "1"
    server.on("/studies/demo", refused, answer(STUDY))
    pauses: list[float] = []
    reached = asyncio.Event()

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        reached.set()
        await asyncio.sleep(0)

    async with async_client_of(server) as client:
        object.__setattr__(client._transport, "sleep", sleep)
        study, _ = await asyncio.gather(client.study("demo"), reached.wait())
    assert (study.name, pauses) == ("demo", [0.002])


async def test_it_gives_up_as_with_threads(server: FakeServer) -> None:
    server.on("/studies/demo", httpx.ConnectError("refused"))
    async with async_client_of(server, attempts=3) as client:
        with pytest.raises(Unreachable):
            await client.study("demo")
    assert len(server.requests) == 3


async def test_a_run_trains_until_nothing_is_left(tmp_path: Path) -> None:
    async def train(trial: AsyncRunningTrial) -> float:
        await trial.progress(1, 0.1)
        if trial.number == 2:
            raise TrialStopped("no time left")
        if trial.number == 3:
            raise MemoryError("too large")
        return trial.number / 10

    with serving(tmp_path) as url:
        async with AsyncClient(url) as client:
            await client.create_study("demo", "nasbench101", max_trials=4, lease_seconds=60)
            done = await client.run("demo", train, catch=(MemoryError,))
            assert [(trial.state, trial.value) for trial in done] == [
                ("completed", 0.1),
                ("stopped", 0.1),
                ("failed", None),
                ("completed", 0.4),
            ]
            assert await client.run("demo", train) == ()
            assert [trial.number async for trial in client.trials("demo", page_size=3)] == [1, 2, 3, 4]
            with pytest.raises(NothingToDo):
                async with client.trial("demo"):
                    pytest.fail("the budget is used up")


async def test_heartbeats_outlive_an_answer_that_is_not_the_service_s(server: FakeServer, client: AsyncClient) -> None:
    server.on("/heartbeat", answer({"another": "service"}), answer({"renewed": [], "lost": [], "stop": []}))
    async with client.trial("demo", heartbeat_seconds=0.02) as trial:
        await wait_for(server, "/heartbeat", times=3)
        await trial.report(0.5)
