"""The model worker on a Ray cluster, reached by handle. `ray_connection.py` keeps the connection; `ray_replicas.py` runs there."""

import asyncio
import pickle
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from models.architectures.architecture import Architecture
from models.search.proposal import Prediction, ProposalBatch, ProposalRequest
from service.workers.decode_job import DecodeJob
from service.workers.ray_connection import Connection, Session
from service.workers.worker import DecodeMode, Decoding, Encoding, WorkerUnavailable

if TYPE_CHECKING:  # ray_connection.py sets what Ray reads when it is loaded
    from ray.serve.handle import DeploymentHandle


class RayWorker:
    """A `ModelWorker` whose computations run in the replicas of a Ray Serve application.

    While the cluster is lost every call raises `WorkerUnavailable` at once; when it is back calls reach it again.
    """

    def __init__(self, address: str) -> None:
        self._connection = Connection(address)

    async def encode(self, model: str, architectures: Sequence[Architecture]) -> list[Encoding]:
        session = self._session()
        encodings: list[Encoding] = await self._call(session, session.coder.encode, model, tuple(architectures))
        return encodings

    async def decode(
        self, model: str, latents: Sequence[Sequence[float]], samples: int, mode: DecodeMode, seed: int
    ) -> list[list[Decoding]]:
        session = self._session()
        job = DecodeJob(tuple(tuple(latent) for latent in latents), samples, mode, seed)
        decodings: list[list[Decoding]] = await self._call(session, session.coder.decode, model, job)
        return decodings

    async def predict(self, model: str, request: ProposalRequest, architectures: Sequence[Architecture]) -> list[Prediction]:
        session = self._session()
        predictions: list[Prediction] = await self._call(session, session.coder.predict, model, request, tuple(architectures))
        return predictions

    async def propose(self, model: str, request: ProposalRequest, study: int = 0) -> ProposalBatch:
        session = self._session()
        handle = session.proposer.options(method_name="propose", session_id=f"{model}/{study}")
        batch: ProposalBatch = await self._call(session, handle, model, request)
        return batch

    async def ready(self) -> bool:
        """Whether the cluster answers at this moment, or has within the last seconds."""
        session = self._connection.session
        return session is not None and session.is_answering

    async def close(self) -> None:
        """Leave the cluster; calls in flight raise `WorkerUnavailable`."""
        await asyncio.to_thread(self._connection.close)

    def _session(self) -> Session:
        session = self._connection.session
        if session is None:
            raise WorkerUnavailable(f"the model worker at {self._connection.address} is not there; ask again in a few seconds")
        return session

    async def _call(self, session: Session, handle: "DeploymentHandle[Any]", *arguments: object) -> Any:
        try:
            response = handle.remote(pickle.dumps(arguments))
        except Exception as error:  # the connection may have gone a moment ago
            raise WorkerUnavailable(f"the Ray cluster cannot be reached: {error}") from error
        answer = asyncio.ensure_future(_bytes(response))
        answer.add_done_callback(_look_at)
        lost = asyncio.Event()
        loop, lost_too = asyncio.get_running_loop(), asyncio.ensure_future(lost.wait())
        try:
            with session.telling(lambda: loop.call_soon_threadsafe(lost.set)):
                await asyncio.wait({answer, lost_too}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            lost_too.cancel()
            if not answer.done():
                loop.run_in_executor(None, _cancel, response)  # it asks the cluster, which may not answer
        if not answer.done():
            raise WorkerUnavailable("the Ray cluster was lost during the call; ask again in a few seconds")
        try:
            succeeded, value = pickle.loads(answer.result())
        except (Exception, asyncio.CancelledError) as error:  # a lost replica has many names
            raise WorkerUnavailable(f"a replica of the model worker was lost during the call: {error}") from error
        session.answered = time.monotonic()
        if not succeeded:
            raise value
        return value


async def _bytes(response: Any) -> bytes:
    answer: bytes = await response
    return answer


def _cancel(response: Any) -> None:
    """End a request: one that still waits for a replica would go on waiting."""
    with suppress(Exception):  # of a connection that is lost
        response.cancel()


def _look_at(answer: asyncio.Future[bytes]) -> None:
    """Nobody may be waiting for it any more, and asyncio reports exceptions that nobody saw."""
    if not answer.cancelled():
        answer.exception()
