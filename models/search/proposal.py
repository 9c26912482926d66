"""The plain values that go into a search step and come out of it. They cross process boundaries, so they hold no tensors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from models.architectures.architecture import Architecture

Direction = Literal["maximize", "minimize"]
Source = Literal["initial", "acquisition", "extrapolation", "fallback"]
Strategy = Literal["svge", "ucb", "thompson", "latent", "predictor", "latent_random", "random"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
"""What each does, `proposer.py` says."""

MAX_OBJECTIVES = 3
"""So many at once: beyond them nearly everything is a trade-off, and the hypervolume takes long."""

SEVERAL_OBJECTIVES: tuple[Strategy, ...] = ("svge", "latent_random", "random")
"""The strategies that take several objectives."""

CostName = Literal["parameters", "multiply_adds"]
COSTS: tuple[CostName, ...] = get_args(CostName)
"""What is counted from the graph, see `Cost` in `models/networks/costs`."""

Hyperparameters = Mapping[str, Sequence[float]]
"""The surrogate's fitted hyperparameters under their names, a JSON value."""


@dataclass(frozen=True, slots=True)
class FurtherObjective:
    """An objective beside the first: a `cost` that the graph tells, or one that is observed."""

    direction: Direction
    cost: CostName | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that a proposal may cost; None is no limit."""

    parameters: int | None = None
    multiply_adds: int | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """One trained architecture: `value` in the objective's own unit and direction, `std` its standard error where known.

    `further` are the values of the further observed objectives, in the order of the request.
    """

    architecture: Architecture
    value: float
    std: float | None = None
    further: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class ProposalRequest:
    """What a proposal depends on, and nothing else: equal requests to equal checkpoints give equal proposals,
    up to the rounding of the encoder's float32: a latent depends in its sixth digit on what else was encoded with it, and what
    was encoded first stays in the cache.

    `pending` are the architectures that are running now; `excluded` the canonical ids that must not come again for another
    reason (failed, infeasible). Whatever is observed or pending is excluded without being named.
    So many as `initial_size` are chosen to tell most about the space before the surrogate takes over. `max_nodes` enlarges the
    space. `hyperparameters` are those of the study's last fit, from which the next one starts. With `further` objectives beside the
    first, whose direction is `direction`, the search is for the best trade-offs. Nothing beyond the `limits` is proposed.
    """

    direction: Direction
    count: int
    seed: int
    observations: tuple[Observation, ...] = ()
    pending: tuple[Architecture, ...] = ()
    excluded: tuple[str, ...] = ()
    strategy: Strategy = "svge"
    initial_size: int = 10
    max_nodes: int | None = None
    hyperparameters: Hyperparameters | None = None
    further: tuple[FurtherObjective, ...] = ()
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class Proposal:
    """One architecture to train, in canonical order, with where it came from and what the surrogate expects of it.

    `predicted_mean` and `predicted_std` are in the unit of the (first) objective; they and `acquisition_value`, which is what the
    strategy chose it by (log expected improvement, of the hypervolume for several objectives, upper confidence bound, sample, or
    the predictor's score), are None where no surrogate was fitted.
    """

    architecture: Architecture
    canonical_id: str
    latent: tuple[float, ...]
    source: Source
    predicted_mean: float | None = None
    predicted_std: float | None = None
    acquisition_value: float | None = None


@dataclass(frozen=True, slots=True)
class ProposalBatch:
    """The proposals, a `reason` when they are fewer than asked for, and the hyperparameters to store with the study."""

    proposals: tuple[Proposal, ...]
    reason: str | None = None
    hyperparameters: Hyperparameters | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """The surrogate's belief about one architecture, in the unit of the (first) objective, and its log expected improvement."""

    mean: float
    std: float
    acquisition_value: float
