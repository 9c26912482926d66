"""Answering callers who wait for the same thing from one computation. What is computed is the business of `suggest.py`."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Entry(Generic[Item, Answer]):
    """One caller who waits. Whoever serves claims an entry before doing what cannot be undone for it."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self._future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._claimed = False
        self._abandoned = False

    def claim(self) -> bool:
        """Whether the caller still waits; if so it will wait until the answer comes."""
        self._claimed = not self._abandoned
        return self._claimed

    def answer(self, answer: Answer) -> None:
        if not self._future.done():
            self._future.set_result(answer)

    def fail(self, error: Exception) -> None:
        if not self._abandoned and not self._future.done():
            self._future.set_exception(error)

    async def wait(self, deadline: float) -> Answer | None:
        """The answer, or None when the deadline (of the event loop's clock) passes before the entry is claimed."""
        try:
            async with asyncio.timeout_at(deadline):
                return await asyncio.shield(self._future)
        except TimeoutError:
            if self._claimed:
                return await self._future
            return None
        finally:
            self._abandoned = not self._future.done()

    @property
    def is_abandoned(self) -> bool:
        return self._abandoned


class Coalescer(Generic[Key, Item, Answer]):
    """Collects what is asked under one key while an earlier computation for that key runs, and serves it together.

    `serve` answers every entry that it claims, or raises for all. The first asks of a quiet key are gathered for
    `gather_seconds`, so that callers who start together share one computation.
    """

    def __init__(self, serve: Callable[[Key, Sequence[Entry[Item, Answer]]], Awaitable[None]], gather_seconds: float) -> None:
        self._serve = serve
        self._gather_seconds = gather_seconds
        self._waiting: dict[Key, list[Entry[Item, Answer]]] = {}
        self._runners: dict[Key, asyncio.Task[None]] = {}

    async def submit(self, key: Key, item: Item, deadline: float) -> Answer | None:
        """The answer to one item; None when the deadline passes first. Raises what `serve` raises."""
        entry: Entry[Item, Answer] = Entry(item)
        self._waiting.setdefault(key, []).append(entry)
        if key not in self._runners:
            self._runners[key] = asyncio.create_task(self._run(key))
        return await entry.wait(deadline)

    async def close(self) -> None:
        """Cancel what runs."""
        runners = list(self._runners.values())
        for runner in runners:
            runner.cancel()
        await asyncio.gather(*runners, return_exceptions=True)

    async def _run(self, key: Key) -> None:
        try:
            await asyncio.sleep(self._gather_seconds)
            while entries := [entry for entry in self._waiting.pop(key, []) if not entry.is_abandoned]:
                await self._serve_together(key, entries)
        finally:
            del self._runners[key]

    async def _serve_together(self, key: Key, entries: Sequence[Entry[Item, Answer]]) -> None:
        try:
            await self._serve(key, entries)
        except Exception as error:  # whatever it is, it belongs to those who wait
            for entry in entries:
                entry.fail(error)
