"""What tasks and threads do differently: `_async` takes the names with Async, `_sync`, which is made from it, the others."""

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

_log = logging.getLogger("svge_client")

_Running = TypeVar("_Running")
_Answer = TypeVar("_Answer")

Measured = float | Mapping[str, float] | None
"""What a training returns: its value, its values by objective, or None where it has reported them itself."""

Train = Callable[[_Running], Measured]
AsyncTrain = Callable[[_Running], Awaitable[Measured]]

Call = Callable[[], _Answer]
AsyncCall = Callable[[], Awaitable[_Answer]]

Sleep = Callable[[float], None]
AsyncSleep = Callable[[float], Awaitable[None]]
sleep = time.sleep
async_sleep = asyncio.sleep

Lock = threading.Lock
AsyncLock = asyncio.Lock


class Pulse:
    """Calls `beat` every so many seconds from a daemon thread until it is stopped. What it raises is logged."""

    def __init__(self, beat: Callable[[], None], seconds: float, name: str) -> None:
        self._beat = beat
        self._seconds = seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when no beat is under way any more."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._seconds):
            try:
                self._beat()
            except Exception:
                _log.exception("a heartbeat failed; it is tried again in %g seconds", self._seconds)


class AsyncPulse:
    """The same from a task of the running loop."""

    def __init__(self, beat: Callable[[], Awaitable[None]], seconds: float, name: str) -> None:
        self._beat = beat
        self._seconds = seconds
        self._name = name
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=self._name)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])  # unlike awaiting the task, it does not hide that this one is cancelled

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._seconds)
            try:
                await self._beat()
            except Exception:
                _log.exception("a heartbeat failed; it is tried again in %g seconds", self._seconds)
