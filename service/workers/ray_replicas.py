"""What runs on the Ray cluster: the Serve deployments around a model host, one host in each replica.

`coder` encodes, decodes and predicts; requests that wait while a batch is computed become the next batch, up to a number of graphs.
`proposer` proposes; the calls of one study go to the same replica as long as it has room, which has that study's architectures
encoded. Requests and answers travel pickled, so that nothing between the API and a replica has to load them.
"""

import asyncio
import itertools
import logging
import os
import pickle
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ray import serve

from models.architectures.architecture import Architecture
from models.search.proposal import Prediction, ProposalRequest
from service.workers.decode_job import DecodeJob
from service.workers.local import Host
from service.workers.worker import Decoding, Encoding

MAX_GRAPHS = 2048
"""Graphs of one batch: architectures to encode or predict, decodings of latent points. A larger request is a batch by itself."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request within a batch, and how many graphs it brings."""

    model: str
    content: Any
    graphs: int


def count_graphs(batch: Sequence[Asked]) -> int:
    return sum(min(asked.graphs, MAX_GRAPHS) for asked in batch)


def _batched(method: Callable[[Any, list[Asked]], Awaitable[list[Any]]]) -> Callable[[Any, Asked], Awaitable[Any]]:
    """A method of a batch as one of a single request; what waits while a batch is computed is the next batch."""
    batch = serve.batch(max_batch_size=MAX_GRAPHS, batch_wait_timeout_s=0.0, batch_size_fn=count_graphs)
    batched: Callable[[Any, Asked], Awaitable[Any]] = batch(method)
    return batched


class Computer:
    """The host of one replica. It computes one thing at a time, in a thread, so that the replica answers meanwhile."""

    def __init__(self, open_host: Callable[[], Host], limit_seconds: float) -> None:
        self._host = open_host()
        self._limit_seconds = limit_seconds
        self._turn = asyncio.Lock()

    async def run(self, method: str, *arguments: object) -> Any:
        """What the host answers. A computation goes on when its caller gives up, and the next one waits for it."""
        return await asyncio.shield(asyncio.ensure_future(self._run(method, arguments)))

    async def _run(self, method: str, arguments: Sequence[object]) -> Any:
        async with self._turn:
            work = asyncio.ensure_future(asyncio.to_thread(getattr(self._host, method), *arguments))
            if not (await asyncio.wait({work}, timeout=self._limit_seconds))[0]:
                # It cannot be interrupted, and whoever waited has given up: Serve puts a new replica in the place of this one.
                _log.error("'%s' took longer than %g s; this replica ends", method, self._limit_seconds)
                os._exit(1)
            return await work


async def answer(call: Callable[[Any], Any], request: bytes) -> bytes:
    """The pickled answer to a pickled request: whether it came about, and the value or the exception.

    An exception travels without its traceback and causes, which may hold what the API process cannot load.
    """
    try:
        return pickle.dumps((True, await call(pickle.loads(request))))
    except Exception as error:
        is_ours = type(error).__module__.partition(".")[0] in ("builtins", "models", "service")
        _log.warning("a request failed", exc_info=True)
        return pickle.dumps((False, error if is_ours else RuntimeError(f"{type(error).__name__}: {error}")))


class Coder:
    """Encodes, decodes and predicts in batches. A request that fails does not take the others of its batch with it."""

    def __init__(self, open_host: Callable[[], Host], limit_seconds: float) -> None:
        self._computer = Computer(open_host, limit_seconds)

    async def ping(self) -> int:
        """The process, if it answers."""
        return os.getpid()

    async def encode(self, request: bytes) -> bytes:
        async def call(values: tuple[str, tuple[Architecture, ...]]) -> Any:
            model, architectures = values
            return _value(await self._encode_batch(Asked(model, architectures, len(architectures))))

        return await answer(call, request)

    async def decode(self, request: bytes) -> bytes:
        async def call(values: tuple[str, DecodeJob]) -> Any:
            model, job = values
            return _value(await self._decode_batch(Asked(model, job, len(job.latents) * job.samples)))

        return await answer(call, request)

    async def predict(self, request: bytes) -> bytes:
        async def call(values: tuple[str, ProposalRequest, tuple[Architecture, ...]]) -> Any:
            model, study, architectures = values
            return _value(await self._predict_batch(Asked(model, (study, architectures), len(architectures))))

        return await answer(call, request)

    @_batched
    async def _encode_batch(self, batch: list[Asked]) -> list[Any]:
        async def compute(model: str, contents: list[tuple[Architecture, ...]]) -> list[list[Encoding]]:
            joined = tuple(architecture for content in contents for architecture in content)
            encodings = iter(await self._computer.run("encode", model, joined))
            return [[next(encodings) for _ in content] for content in contents]

        return await by_model(batch, compute)

    @_batched
    async def _decode_batch(self, batch: list[Asked]) -> list[Any]:
        async def compute(model: str, jobs: list[DecodeJob]) -> list[list[list[Decoding]]]:
            decodings: list[list[list[Decoding]]] = await self._computer.run("decode", model, jobs)
            return decodings

        return await by_model(batch, compute)

    @_batched
    async def _predict_batch(self, batch: list[Asked]) -> list[Any]:
        async def compute(model: str, contents: list[tuple[ProposalRequest, tuple[Architecture, ...]]]) -> list[list[Prediction]]:
            """Callers who ask on the same state of a study share one fit."""
            found: dict[int, list[Prediction]] = {}
            for place, (request, _) in enumerate(contents):
                if place in found:
                    continue
                same = [other for other in range(place, len(contents)) if contents[other][0] == request]
                joined = [architecture for other in same for architecture in contents[other][1]]
                predictions = iter(await self._computer.run("predict", model, request, joined))
                # There are none where the request is too small for a fit.
                found.update({other: list(itertools.islice(predictions, len(contents[other][1]))) for other in same})
            return [found[place] for place in range(len(contents))]

        return await by_model(batch, compute)


class Proposer:
    """Proposes, one request at a time."""

    def __init__(self, open_host: Callable[[], Host], limit_seconds: float) -> None:
        self._computer = Computer(open_host, limit_seconds)

    async def propose(self, request: bytes) -> bytes:
        async def call(values: tuple[str, ProposalRequest]) -> Any:
            return await self._computer.run("propose", *values)

        return await answer(call, request)


def _value(outcome: Any) -> Any:
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


async def by_model(batch: Sequence[Asked], compute: Callable[[str, list[Any]], Any]) -> list[Any]:
    """The outcomes in the order of the batch, an exception where there is one; each model's requests computed together."""
    outcomes: dict[int, Any] = {}
    for model in dict.fromkeys(asked.model for asked in batch):
        places = [place for place, asked in enumerate(batch) if asked.model == model]
        try:
            found = await compute(model, [batch[place].content for place in places])
        except Exception as error:
            alone = [batch[place] for place in places]
            found = [error] if len(alone) == 1 else [(await by_model([asked], compute))[0] for asked in alone]
        outcomes.update(zip(places, found, strict=True))
    return [outcomes[place] for place in range(len(batch))]
