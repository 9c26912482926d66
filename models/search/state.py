"""What a request amounts to for one autoencoder: its trials as points, and the names of all that must not come again."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonicalise, id_of_canonical
from models.search.autoencoder import Autoencoder
from models.search.costs import Costs, check_costs, costs_of, largest_costs
from models.search.outcomes import Measurements, merge_replicates
from models.search.pool import Pool, pool_of
from models.search.proposal import COSTS, MAX_OBJECTIVES, SEVERAL_OBJECTIVES, FurtherObjective, ProposalRequest


@dataclass(frozen=True)
class SearchState:
    """A request with its distinct trials encoded: `observed` is `n x d` and `pending` `p x d`, standardised by the pool.

    `groups` (`d`) says which columns share a length-scale: all that the pool has, or the latent ones alone, each with its own.
    `measurements` are in the order of `observed`, `running` in that of `pending`; `seen` are the canonical ids of all that is
    observed, pending or excluded. `largest` are the most that a proposal may cost, in the order of `COSTS`, None without limits.
    """

    autoencoder: Autoencoder
    request: ProposalRequest
    pool: Pool
    groups: Tensor
    measurements: Measurements
    observed: Tensor
    running: tuple[Architecture, ...]
    pending: Tensor
    seen: frozenset[str]
    largest: Costs | None

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

    @property
    def observed_further(self) -> tuple[FurtherObjective, ...]:
        """The further objectives that are observed, in order."""
        return tuple(objective for objective in self.request.further if objective.cost is None)

    def unseen_pool(self) -> list[int]:
        """The places in the pool of what may still be proposed."""
        unseen = (place for place, name in enumerate(self.pool.canonical_ids) if name not in self.seen)
        if self.largest is None:
            return list(unseen)
        admitted = set(np.flatnonzero((self.pool.costs <= self.largest).all(axis=1)).tolist())
        return [place for place in unseen if place in admitted]

    def costs(self, architectures: Sequence[Architecture]) -> Costs:
        """The costs of canonical architectures; those of the pool are counted once."""
        places = [self.pool.places.get(architecture) for architecture in architectures]
        costs = np.zeros((len(architectures), len(COSTS)))
        inside = [row for row, place in enumerate(places) if place is not None]
        outside = [row for row, place in enumerate(places) if place is None]
        costs[inside] = self.pool.costs[[place for place in places if place is not None]]
        costs[outside] = costs_of([architectures[row] for row in outside])
        return costs

    def excess(self, architectures: Sequence[Architecture]) -> Costs:
        """How many times over its limits each of the canonical architectures is (`n`), at most 1 where it is within all of them."""
        if self.largest is None:
            return np.zeros(len(architectures))
        ratios: Costs = (self.costs(architectures) / self.largest).max(axis=1)
        return ratios

    def may_propose(self, architecture: Architecture, name: str) -> bool:
        """Whether a canonical architecture of this id is unseen and within the limits."""
        return name not in self.seen and bool(self.excess([architecture])[0] <= 1.0)

    def rng(self, purpose: int) -> np.random.Generator:
        """The request's random numbers for one purpose; different purposes get independent streams."""
        return np.random.default_rng([self.request.seed % 2**63, purpose])

    def generator(self, purpose: int) -> torch.Generator:
        """The same for torch."""
        return torch.Generator().manual_seed(int(self.rng(purpose).integers(2**63)))


def build_state(autoencoder: Autoencoder, request: ProposalRequest) -> SearchState:
    """The state of a request. Raises `ValueError`, naming the field, for values that are not finite, for architectures of another
    space, for costs where the space has none, and for observations that are not of the request's objectives.
    """
    _check_spaces(autoencoder.space.name, request)
    check_costs(autoencoder.space.name, request)
    _check_objectives(request)
    measurements = merge_replicates(request.observations)
    observed = set(measurements.architectures)
    pending = map(canonicalise, request.pending)
    running = tuple(architecture for architecture in dict.fromkeys(pending) if architecture not in observed)
    seen = {id_of_canonical(architecture) for architecture in (*measurements.architectures, *running)}
    pool = pool_of(autoencoder)
    groups = torch.arange(autoencoder.latent_size) if request.strategy == "latent" else pool.inputs.groups
    points, running_points = (
        pool.encode(autoencoder, trials)[:, : len(groups)] for trials in (measurements.architectures, running)
    )
    never = frozenset(seen.union(request.excluded))
    largest = largest_costs(request.limits)
    return SearchState(autoencoder, request, pool, groups, measurements, points, running, running_points, never, largest)


def _check_objectives(request: ProposalRequest) -> None:
    expected = sum(objective.cost is None for objective in request.further)
    for index, one in enumerate(request.observations):
        if len(one.further) != expected:
            given = len(one.further)
            raise ValueError(f"observations[{index}].further must have {expected} values, one for each objective, got {given}")
    if len(request.further) >= MAX_OBJECTIVES:
        raise ValueError(f"further must be at most {MAX_OBJECTIVES - 1} objectives, got {len(request.further)}; leave some out")
    if request.further and request.strategy not in SEVERAL_OBJECTIVES:
        allowed = ", ".join(SEVERAL_OBJECTIVES)
        raise ValueError(f"strategy must be one of {allowed} for several objectives, got '{request.strategy}'")


def _check_spaces(name: str, request: ProposalRequest) -> None:
    fields = {f"observations[{index}]": one.architecture for index, one in enumerate(request.observations)}
    fields.update({f"pending[{index}]": architecture for index, architecture in enumerate(request.pending)})
    for field, architecture in fields.items():
        if architecture.space != name:
            raise ValueError(f"{field} must be an architecture of '{name}', got one of '{architecture.space}'; use its model")
