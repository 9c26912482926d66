"""What is believed of each observed objective: a surrogate fitted to its values. What the graph tells is known: `costs.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from models.search.fitting import fit, record
from models.search.process import to_mapping
from models.search.proposal import Direction, Hyperparameters, ProposalRequest
from models.search.scales import OutcomeScale, linear_scale, power_scale, rank_scale
from models.search.state import SearchState
from models.search.surrogate import Surrogate, TrainingData


class Belief(NamedTuple):
    """The surrogate of one objective with the outcomes of the observed architectures (`n`), their scale, the posterior means
    there (`n`), the best of these, and the hyperparameters to be stored, for the next fit to start from.
    """

    surrogate: Surrogate
    outcomes: Tensor
    scale: OutcomeScale
    means: Tensor
    best: float
    hyperparameters: Hyperparameters


@dataclass(frozen=True)
class Beliefs:
    """Those of the observed objectives, the first one first."""

    first: Belief
    further: tuple[Belief, ...]

    @property
    def all(self) -> tuple[Belief, ...]:
        return (self.first, *self.further)

    @property
    def hyperparameters(self) -> Hyperparameters:
        """Those of all surrogates, a further one's under its number and a dot before the name."""
        mapping = dict(self.first.hyperparameters)
        for number, belief in enumerate(self.further, start=1):
            mapping.update({f"{number}.{name}": values for name, values in belief.hyperparameters.items()})
        return mapping


def fit_first(state: SearchState) -> Belief:
    """The belief of the first objective. Raises `NotPositiveDefinite`."""
    measurements, request = state.measurements, state.request
    return _fit(state, measurements.values, measurements.stds, request.direction, request.hyperparameters)


def fit_all(state: SearchState) -> Beliefs:
    """The beliefs of all observed objectives. Raises `NotPositiveDefinite`."""
    unknown = np.full(len(state.measurements.values), np.nan)
    stored = state.request.hyperparameters or {}
    further = []
    for number, (objective, values) in enumerate(zip(state.observed_further, state.measurements.further.T, strict=True), start=1):
        prefix = f"{number}."
        start = {name.removeprefix(prefix): given for name, given in stored.items() if name.startswith(prefix)}
        further.append(_fit(state, values, unknown, objective.direction, start or None))
    return Beliefs(fit_first(state), tuple(further))


def _fit(state: SearchState, values: np.ndarray, stds: np.ndarray, direction: Direction, start: Hyperparameters | None) -> Belief:
    scale = _scale_of(state.request)(values, direction)
    outcomes = _tensor(scale.forward(values))
    variances = _tensor(scale.forward_std(values, stds)).square()
    data = TrainingData(state.observed, outcomes, _tensor(state.measurements.counts), variances)
    surrogate = fit(data, start, state.groups)
    means = surrogate.means(state.observed)
    stored = {**to_mapping(surrogate.process), **record(len(outcomes), start)}
    return Belief(surrogate, outcomes, scale, means, float(means.max()), stored)


def _scale_of(request: ProposalRequest) -> Callable[[np.ndarray, Direction], OutcomeScale]:
    if request.further:
        return power_scale
    return linear_scale if request.strategy == "latent" else rank_scale


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float64))
