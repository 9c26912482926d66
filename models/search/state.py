"""What a request amounts to for one autoencoder: its trials as points, and the names of all that must not come again."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonical_id, canonicalise
from models.search.autoencoder import Autoencoder
from models.search.outcomes import Measurements, merge_replicates
from models.search.pool import Pool, pool_of
from models.search.proposal import ProposalRequest


@dataclass(frozen=True)
class SearchState:
    """A request with its distinct trials encoded: `observed` is `n x d` and `pending` `p x d`, standardised by the pool.

    `groups` (`d`) says which columns share a length-scale: all that the pool has, or the latent ones alone, each with its own.
    `measurements` are in the order of `observed`; `seen` are the canonical ids of all that is observed, pending or excluded.
    """

    autoencoder: Autoencoder
    request: ProposalRequest
    pool: Pool
    groups: Tensor
    measurements: Measurements
    observed: Tensor
    pending: Tensor
    seen: frozenset[str]

    @property
    def limit(self) -> int:
        """The most nodes that a proposal may have."""
        return max(self.request.max_nodes or 0, self.autoencoder.space.max_nodes)

    @property
    def extrapolates(self) -> bool:
        """Whether larger architectures are asked for than the trained space has."""
        return self.limit > self.autoencoder.space.max_nodes

    @property
    def pool_points(self) -> Tensor:
        """The points of the pool, one architecture a row."""
        return self.pool.points[:, : len(self.groups)]

    def encode(self, architectures: Sequence[Architecture]) -> Tensor:
        """The points, `n x d`, of canonical architectures."""
        return self.pool.encode(self.autoencoder, architectures)[:, : len(self.groups)]

    def unseen_pool(self) -> list[int]:
        """The places in the pool of what may still be proposed."""
        return [place for place, name in enumerate(self.pool.canonical_ids) if name not in self.seen]

    def rng(self, purpose: int) -> np.random.Generator:
        """The request's random numbers for one purpose; different purposes get independent streams."""
        return np.random.default_rng([self.request.seed % 2**63, purpose])

    def generator(self, purpose: int) -> torch.Generator:
        """The same for torch."""
        return torch.Generator().manual_seed(int(self.rng(purpose).integers(2**63)))


def build_state(autoencoder: Autoencoder, request: ProposalRequest) -> SearchState:
    """The state of a request. Raises `ValueError`, naming the field, for values that are not finite and for
    architectures of another space.
    """
    _check_spaces(autoencoder.space.name, request)
    measurements = merge_replicates(request.observations)
    observed = set(measurements.architectures)
    running = (canonicalise(architecture) for architecture in request.pending)
    pending = tuple(architecture for architecture in dict.fromkeys(running) if architecture not in observed)
    seen = {canonical_id(architecture) for architecture in (*measurements.architectures, *pending)}
    pool = pool_of(autoencoder)
    groups = torch.arange(autoencoder.latent_size) if request.strategy == "latent" else pool.inputs.groups
    points, running_points = (
        pool.encode(autoencoder, trials)[:, : len(groups)] for trials in (measurements.architectures, pending)
    )
    never = frozenset(seen.union(request.excluded))
    return SearchState(autoencoder, request, pool, groups, measurements, points, running_points, never)


def _check_spaces(name: str, request: ProposalRequest) -> None:
    fields = {f"observations[{index}]": one.architecture for index, one in enumerate(request.observations)}
    fields.update({f"pending[{index}]": architecture for index, architecture in enumerate(request.pending)})
    for field, architecture in fields.items():
        if architecture.space != name:
            raise ValueError(f"{field} must be an architecture of '{name}', got one of '{architecture.space}'; use its model")
