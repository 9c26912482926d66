"""The contract between the service and whatever computes with the model: a local process or a cluster."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from models.architectures.architecture import Architecture
from models.search.proposal import Prediction, ProposalBatch, ProposalRequest

DecodeMode = Literal["sampled", "greedy"]


class WorkerUnavailable(Exception):
    """The model worker died or cannot be reached; the same call may succeed a little later."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """One encoded architecture: its canonical form and id, and the mean and standard deviation of its posterior."""

    architecture: Architecture
    canonical_id: str
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Decoding:
    """One distinct architecture decoded from a latent point.

    `frequency` is its share of the samples; `round_trip_distance` is the Euclidean distance from the point to its encoding.
    """

    architecture: Architecture
    canonical_id: str
    frequency: float
    round_trip_distance: float


class ModelWorker(Protocol):
    """Computes with trained checkpoints. Values go in and come out; a worker keeps caches but no state.

    `model` is the hash of a checkpoint in the catalogue, or of one that waits there to be tried out. Calls may run concurrently;
    a worker runs one surrogate fit at a time. Every method raises `WorkerUnavailable` when the worker is lost during the call, and
    the next call finds a new one.
    """

    async def encode(self, model: str, architectures: Sequence[Architecture]) -> list[Encoding]: ...

    async def decode(
        self, model: str, latents: Sequence[Sequence[float]], samples: int, mode: DecodeMode, seed: int
    ) -> list[list[Decoding]]:
        """For each latent point its distinct decodings, the most frequent first."""
        ...

    async def predict(self, model: str, request: ProposalRequest, architectures: Sequence[Architecture]) -> list[Prediction]:
        """What the surrogate fitted to the request's observations expects of each architecture; empty below 2 observations."""
        ...

    async def propose(self, model: str, request: ProposalRequest, study: int = 0) -> ProposalBatch:
        """The next architectures. `study` changes nothing in them: where there are several processes, one that has worked for the
        study before is preferred.
        """
        ...

    async def ready(self) -> bool:
        """Whether the worker answers at this moment."""
        ...

    async def close(self) -> None: ...
