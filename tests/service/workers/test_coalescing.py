import asyncio

import pytest

from service.workers.coalescing import Coalescer
from service.workers.worker import WorkerUnavailable


class Doubler:
    """Answers with twice the request once `gate` is open, and keeps the batches it saw."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.batches: list[tuple[str, list[int]]] = []

    async def compute(self, model: str, requests: list[int]) -> list[int]:
        self.batches.append((model, requests))
        await self.gate.wait()
        if model == "lost":
            raise WorkerUnavailable("lost")
        if -1 in requests:
            raise ValueError("-1")
        return [2 * request for request in requests]


async def _until_computing(doubler: Doubler) -> None:
    while not doubler.batches:
        await asyncio.sleep(0)


def test_what_arrives_while_a_batch_is_computed_becomes_the_next_one() -> None:
    async def scenario() -> None:
        doubler = Doubler()
        coalescer = Coalescer[int, int](doubler.compute)
        first = asyncio.create_task(coalescer.ask("a", 1))
        await _until_computing(doubler)
        others = [asyncio.create_task(coalescer.ask(model, request)) for model, request in [("a", 2), ("b", 3), ("a", 4)]]
        await asyncio.sleep(0)
        doubler.gate.set()
        assert await asyncio.gather(first, *others) == [2, 4, 6, 8]
        assert doubler.batches == [("a", [1]), ("a", [2, 4]), ("b", [3])]

    asyncio.run(scenario())


def test_one_faulty_request_fails_alone() -> None:
    async def scenario() -> None:
        doubler = Doubler()
        doubler.gate.set()
        coalescer = Coalescer[int, int](doubler.compute)
        good, bad, better = await asyncio.gather(*(coalescer.ask("a", n) for n in (1, -1, 3)), return_exceptions=True)
        assert (good, better) == (2, 6)
        assert isinstance(bad, ValueError)

    asyncio.run(scenario())


def test_a_lost_worker_fails_the_whole_batch_at_once_and_the_next_request_is_computed() -> None:
    async def scenario() -> None:
        doubler = Doubler()
        doubler.gate.set()
        coalescer = Coalescer[int, int](doubler.compute)
        answers = await asyncio.gather(coalescer.ask("lost", 1), coalescer.ask("lost", 2), return_exceptions=True)
        assert [type(answer) for answer in answers] == [WorkerUnavailable, WorkerUnavailable]
        assert len(doubler.batches) == 1
        assert await coalescer.ask("a", 5) == 10

    asyncio.run(scenario())


def test_a_caller_that_gives_up_takes_nobody_with_it() -> None:
    async def scenario() -> None:
        doubler = Doubler()
        coalescer = Coalescer[int, int](doubler.compute)
        impatient = asyncio.create_task(coalescer.ask("a", 1))
        patient = asyncio.create_task(coalescer.ask("a", 2))
        await _until_computing(doubler)
        impatient.cancel()
        doubler.gate.set()
        assert await patient == 4
        with pytest.raises(asyncio.CancelledError):
            await impatient

    asyncio.run(scenario())


def test_a_computation_that_nobody_waits_for_is_cancelled_and_the_next_one_runs() -> None:
    cancelled = []

    async def compute(model: str, requests: list[int]) -> list[int]:
        if model == "stuck":
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.extend(requests)
                raise
        return requests

    async def scenario() -> None:
        coalescer = Coalescer[int, int](compute)
        stuck = [asyncio.create_task(coalescer.ask("stuck", number)) for number in (1, 2)]
        await asyncio.sleep(0.01)
        stuck[0].cancel()
        await asyncio.sleep(0.01)
        assert cancelled == []
        stuck[1].cancel()
        assert await asyncio.wait_for(coalescer.ask("good", 3), 5) == 3
        assert cancelled == [1, 2]

    asyncio.run(scenario())
