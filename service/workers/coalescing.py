"""Joining small requests: what arrives while a batch is computed becomes the next batch."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, NamedTuple, TypeVar

from service.workers.worker import WorkerUnavailable

Request = TypeVar("Request")
Answer = TypeVar("Answer")


class _Waiting(NamedTuple, Generic[Request, Answer]):
    model: str
    request: Request
    answer: asyncio.Future[Answer]


class Coalescer(Generic[Request, Answer]):
    """Runs `compute(model, requests)` on everything that waits for one model, one batch at a time.

    A request that fails, or whose caller gives up, does not take the others of its batch with it. What nobody waits
    for any more is cancelled.
    """

    def __init__(self, compute: Callable[[str, list[Request]], Awaitable[list[Answer]]]) -> None:
        self._compute = compute
        self._waiting: list[_Waiting[Request, Answer]] = []
        self._pump: asyncio.Task[None] | None = None

    async def ask(self, model: str, request: Request) -> Answer:
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(model, request, answer))
        if self._pump is None:
            self._pump = asyncio.create_task(self._run())
        return await answer

    async def _run(self) -> None:
        try:
            while self._waiting:
                model = self._waiting[0].model
                batch = [waiting for waiting in self._waiting if waiting.model == model]
                self._waiting = [waiting for waiting in self._waiting if waiting.model != model]
                await self._answer(model, [waiting for waiting in batch if not waiting.answer.done()])
        finally:
            self._pump = None

    async def _answer(self, model: str, batch: list[_Waiting[Request, Answer]]) -> None:
        computing = asyncio.ensure_future(self._compute(model, [waiting.request for waiting in batch]))

        def give_up(_: asyncio.Future[Answer]) -> None:
            if all(waiting.answer.done() for waiting in batch):
                computing.cancel()

        for waiting in batch:
            waiting.answer.add_done_callback(give_up)
        try:
            answers = await computing
        except asyncio.CancelledError:
            if not all(waiting.answer.done() for waiting in batch):
                raise
            return
        except Exception as error:  # whatever it is, it belongs to those who wait, who would wait for ever otherwise
            if len(batch) > 1 and not isinstance(error, WorkerUnavailable):
                for waiting in batch:
                    await self._answer(model, [waiting])
                return
            for waiting in batch:
                if not waiting.answer.done():
                    waiting.answer.set_exception(error)
            return
        for waiting, answer in zip(batch, answers, strict=True):
            if not waiting.answer.done():
                waiting.answer.set_result(answer)
