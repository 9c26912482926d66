"""The model worker of one machine: a spawned process that holds the checkpoints. What runs inside it is in `model_host.py`.

There is one process, so an encode or decode that arrives during a proposal waits for it. A proposal takes seconds, is computed
mostly in the background, and GPyTorch's settings are process-wide: a second process would double the memory to save that wait.
"""

import asyncio
import contextlib
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Protocol

from models.architectures.architecture import Architecture
from models.search.proposal import Prediction, ProposalBatch, ProposalRequest
from service import metrics
from service.workers.coalescing import Coalescer
from service.workers.decode_job import DecodeJob
from service.workers.worker import DecodeMode, Decoding, Encoding, WorkerUnavailable

FITS_PER_PROCESS = 500
"""After so many surrogate fits the process is replaced, so that whatever the numerical libraries leak stays bounded."""


_log = logging.getLogger(__name__)


class Host(Protocol):
    """What a model process computes; `model_host.ModelHost` is the real one."""

    def encode(self, model: str, architectures: Sequence[Architecture]) -> list[Encoding]: ...

    def decode(self, model: str, jobs: Sequence[DecodeJob]) -> list[list[list[Decoding]]]: ...

    def predict(self, model: str, request: ProposalRequest, architectures: Sequence[Architecture]) -> list[Prediction]: ...

    def propose(self, model: str, request: ProposalRequest) -> ProposalBatch: ...


@dataclass(eq=False)
class _Process:
    """One generation of the model process. `pid` arrives when it runs, `opened` when its host is open; `fits` counts its fits."""

    executor: ProcessPoolExecutor
    pid: Future[int]
    opened: Future[None]
    fits: int = 0

    @property
    def is_open(self) -> bool:
        return self.opened.done() and not self.opened.cancelled() and self.opened.exception() is None

    def stop(self) -> None:
        """End the process, in the midst of a call if need be, and wait until it is gone."""
        self.executor.shutdown(wait=False)
        with contextlib.suppress(BrokenProcessPool, ProcessLookupError):
            os.kill(self.pid.result(), signal.SIGKILL)  # a stopped process would never see another signal
        self.executor.shutdown(wait=True)


class LocalWorker:
    """A `ModelWorker` in a process of its own, started at once and replaced when it dies or has done its share of fits.

    `open_host` is called in the process, and must be picklable.
    """

    def __init__(self, open_host: Callable[[], Host], fits_per_process: int = FITS_PER_PROCESS) -> None:
        self._open_host = open_host
        self._fits_per_process = fits_per_process
        self._closed = False
        self._calls = 0
        self._process = self._launch()
        self._recycling: asyncio.Task[None] | None = None
        self._encodes = Coalescer[tuple[Architecture, ...], list[Encoding]](self._encode_batch)
        self._decodes = Coalescer[DecodeJob, list[list[Decoding]]](self._decode_batch)

    async def encode(self, model: str, architectures: Sequence[Architecture]) -> list[Encoding]:
        return await self._encodes.ask(model, tuple(architectures))

    async def decode(
        self, model: str, latents: Sequence[Sequence[float]], samples: int, mode: DecodeMode, seed: int
    ) -> list[list[Decoding]]:
        points = tuple(tuple(latent) for latent in latents)
        return await self._decodes.ask(model, DecodeJob(points, samples, mode, seed))

    async def predict(self, model: str, request: ProposalRequest, architectures: Sequence[Architecture]) -> list[Prediction]:
        predictions: list[Prediction] = await self._fit("predict", model, request, tuple(architectures))
        return predictions

    async def propose(self, model: str, request: ProposalRequest, study: int = 0) -> ProposalBatch:
        batch: ProposalBatch = await self._fit("propose", model, request)
        return batch

    async def ready(self) -> bool:
        """Whether the process is alive and has its checkpoints loaded; it may be busy, an idle one has to answer."""
        if self._closed:
            return False
        process = self._process
        if process.is_open and self._calls:
            return True  # a probe would wait in its queue; the call tells if it is lost
        try:
            answer = process.executor.submit(os.getpid)
            if process.is_open:
                await asyncio.wrap_future(answer)
        except BrokenProcessPool:
            process = self._replace(process)
        return process.is_open

    async def close(self) -> None:
        """Stop the process at once; calls in flight raise `WorkerUnavailable`."""
        self._closed = True
        if self._recycling is not None:
            self._recycling.cancel()
            await asyncio.gather(self._recycling, return_exceptions=True)
        await asyncio.to_thread(self._process.stop)

    async def _encode_batch(self, model: str, requests: list[tuple[Architecture, ...]]) -> list[list[Encoding]]:
        joined = tuple(architecture for request in requests for architecture in request)
        encodings = iter(await self._run("encode", model, joined))
        return [[next(encodings) for _ in request] for request in requests]

    async def _decode_batch(self, model: str, jobs: list[DecodeJob]) -> list[list[list[Decoding]]]:
        decodings: list[list[list[Decoding]]] = await self._run("decode", model, jobs)
        return decodings

    async def _fit(self, method: str, *arguments: object) -> Any:
        process = self._process
        result = await self._run(method, *arguments)
        process.fits += 1
        if process.fits >= self._fits_per_process and process is self._process and self._recycling is None:
            self._recycling = asyncio.create_task(self._recycle(process))
        return result

    async def _run(self, method: str, *arguments: object) -> Any:
        if self._closed:
            raise WorkerUnavailable("the model worker is closed")
        process = self._process
        try:
            future = process.executor.submit(_call, method, *arguments)
        except BrokenProcessPool:  # it died while nobody used it: nothing is lost
            process = self._replace(process)
            future = process.executor.submit(_call, method, *arguments)
        self._calls += 1
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            # Whoever waited has given up. A computation cannot be interrupted, so that the process goes, and others get a new one.
            if future.running():
                self._replace(process)
                asyncio.get_running_loop().run_in_executor(None, process.stop)
            raise
        except BrokenProcessPool as error:
            self._replace(process)
            raise WorkerUnavailable(
                f"the model process died during '{method}'; another one is starting, ask again in a few seconds"
            ) from error
        finally:
            self._calls -= 1

    async def _recycle(self, worn: _Process) -> None:
        """Open the next process before the worn one is left, which then finishes what it has begun."""
        fresh = self._launch()
        try:
            await asyncio.wrap_future(fresh.opened)
        except asyncio.CancelledError:
            fresh.stop()
            raise
        except (BrokenProcessPool, WorkerUnavailable):
            worn.fits = 0  # it still works; the next attempt comes after as many fits
        if fresh.is_open and self._process is worn:
            self._process, fresh = fresh, worn
        fresh.executor.shutdown(wait=False)
        self._recycling = None

    def _replace(self, lost: _Process) -> _Process:
        if self._process is lost and not self._closed:
            lost.executor.shutdown(wait=False)
            metrics.worker_restarts.inc()
            self._process = self._launch()
        return self._process

    def _launch(self) -> _Process:
        context = multiprocessing.get_context("spawn")
        executor = ProcessPoolExecutor(max_workers=1, mp_context=context, initializer=_start, initargs=(self._open_host,))
        process = _Process(executor, executor.submit(os.getpid), executor.submit(_open))
        process.opened.add_done_callback(self._log_opening)
        return process

    def _log_opening(self, opened: Future[None]) -> None:
        if not (self._closed or opened.cancelled()) and (error := opened.exception()):
            _log.error("the model process did not open: %s", error)


def local_worker(device: str, *folders: Path) -> LocalWorker:
    """The worker for the checkpoints in the folders, the shipped ones without any, on `auto`, `cpu` or `cuda`."""
    return LocalWorker(partial(_open_model_host, device, *folders))


# What follows runs in the model process.

_open_host: Callable[[], Host]


def _open_model_host(device: str, *folders: Path) -> Host:
    from service.workers.model_host import open_model_host  # loads torch, which the parent must not

    return open_model_host(device, *folders)


def _start(open_host: Callable[[], Host]) -> None:
    """Ctrl-C reaches the whole process group and is the parent's to handle; without a parent this process ends."""
    global _open_host
    _open_host = open_host
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@cache
def _host() -> Host:
    """The one host of this process; a failed attempt is repeated at the next call."""
    try:
        return _open_host()
    except Exception as error:
        raise WorkerUnavailable(f"the model process cannot open its checkpoints: {error}") from error


def _open() -> None:
    _host()


def _call(method: str, *arguments: object) -> Any:
    return getattr(_host(), method)(*arguments)
