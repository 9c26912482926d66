import asyncio
from collections.abc import Sequence

import pytest

from service.studies.joint import Coalescer, Entry

pytestmark = pytest.mark.anyio


class Doubler:
    """Answers each number with its double; remembers what it served together, and waits at the gate."""

    def __init__(self) -> None:
        self.served: list[list[int]] = []
        self.claimed: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.started = asyncio.Event()
        self.coalescer: Coalescer[str, int, int] = Coalescer(self.serve, 0.001)

    async def serve(self, key: str, entries: Sequence[Entry[int, int]]) -> None:
        self.served.append([entry.item for entry in entries])
        self.started.set()
        await self.gate.wait()
        for entry in entries:
            if entry.item < 0:
                raise ValueError("negative")
            if entry.claim():
                self.claimed.append(entry.item)
                entry.answer(2 * entry.item)

    async def ask(self, item: int, key: str = "key", wait: float = 30) -> int | None:
        return await self.coalescer.submit(key, item, asyncio.get_running_loop().time() + wait)


async def test_those_who_ask_together_are_served_together_and_each_gets_its_own() -> None:
    doubler = Doubler()
    assert await asyncio.gather(*(doubler.ask(item) for item in range(20))) == [2 * item for item in range(20)]
    assert doubler.served == [list(range(20))]


async def test_those_who_ask_during_a_computation_share_the_next_one() -> None:
    doubler = Doubler()
    doubler.gate.clear()
    first = asyncio.create_task(doubler.ask(1))
    await doubler.started.wait()
    rest = [asyncio.create_task(doubler.ask(item)) for item in (2, 3, 4)]
    await asyncio.sleep(0)
    doubler.gate.set()
    assert await asyncio.gather(first, *rest) == [2, 4, 6, 8]
    assert doubler.served == [[1], [2, 3, 4]]


async def test_different_keys_do_not_meet() -> None:
    doubler = Doubler()
    assert await asyncio.gather(doubler.ask(1, "a"), doubler.ask(2, "b")) == [2, 4]
    assert sorted(doubler.served) == [[1], [2]]


async def test_who_does_not_wait_any_longer_is_not_claimed() -> None:
    doubler = Doubler()
    doubler.gate.clear()
    patient = asyncio.create_task(doubler.ask(2))
    assert await doubler.ask(1, wait=0.05) is None
    doubler.gate.set()
    assert await patient == 4
    assert doubler.claimed == [2]


async def test_who_is_claimed_gets_the_answer_even_after_the_deadline() -> None:
    claimed, finish = asyncio.Event(), asyncio.Event()

    async def serve(key: str, entries: Sequence[Entry[int, int]]) -> None:
        assert entries[0].claim()
        claimed.set()
        await finish.wait()
        entries[0].answer(42)

    coalescer: Coalescer[str, int, int] = Coalescer(serve, 0)
    asking = asyncio.create_task(coalescer.submit("key", 1, asyncio.get_running_loop().time() + 0.05))
    await claimed.wait()
    await asyncio.sleep(0.1)
    finish.set()
    assert await asking == 42


async def test_a_failure_reaches_all_who_wait_and_the_next_are_served() -> None:
    doubler = Doubler()
    outcomes = await asyncio.gather(doubler.ask(-1), doubler.ask(-2), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ValueError, ValueError]
    assert await doubler.ask(3) == 6


async def test_closing_ends_what_runs() -> None:
    doubler = Doubler()
    doubler.gate.clear()
    asking = asyncio.create_task(doubler.ask(1, wait=0.2))
    await doubler.started.wait()
    await doubler.coalescer.close()
    assert await asking is None
