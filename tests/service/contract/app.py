"""What an API process of the contract suite runs: the real application over a worker without a model, on a socket."""

import asyncio
import hashlib
import multiprocessing
import os
import socket
import sys
import threading
import time
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import uvicorn

from models.search.proposal import ProposalBatch, ProposalRequest
from service.app import create_app
from service.settings import Settings
from service.workers.worker import ModelWorker
from tests.fakes import FakeWorker

SLOW, HANGING = 99_998, 99_999
"""Studies of this `initial_size` have proposals that take a while, or much longer than anybody waits."""

_SLOW_SECONDS = 0.4


class ContractWorker(FakeWorker):
    """Its proposals follow from the whole request, so that whoever asks otherwise is answered otherwise."""

    async def propose(self, model: str, request: ProposalRequest, study: int = 0) -> ProposalBatch:
        await asyncio.sleep({SLOW: _SLOW_SECONDS, HANGING: 3600.0}.get(request.initial_size, 0.0))
        digest = hashlib.sha256(repr(request).encode()).digest()
        batch = await super().propose(model, replace(request, seed=int.from_bytes(digest[:4])))
        return replace(batch, hyperparameters={"noise": [digest[4] / 7, -digest[5] / 3]})


def serve(listener: socket.socket, settings: Settings, log: Path, clock_ahead: float) -> None:
    """Answer requests until the process or that of the tests is killed. Its clock is ahead by so many seconds."""
    with log.open("a") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    move_clock(clock_ahead)
    app = create_app(settings, _worker(settings))
    uvicorn.Server(uvicorn.Config(app, loop="asyncio", http="h11", ws="none", log_level="warning")).run(sockets=[listener])


def _worker(settings: Settings) -> ModelWorker:
    if settings.worker == "local":
        return ContractWorker(settings.models_folder)
    from service.workers.ray import RayWorker  # takes seconds to import

    return RayWorker(settings.ray_address)


def move_clock(seconds: float) -> None:
    """Let all that asks Python for the time believe that it is later."""
    true_time = time.time

    class Moved(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) + timedelta(seconds=seconds)

    time.time = lambda: true_time() + seconds
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "service" and getattr(module, "datetime", None) is datetime:
            module.datetime = Moved  # type: ignore[attr-defined]


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
