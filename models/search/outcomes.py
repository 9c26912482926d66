"""From observations to what the surrogate is fitted to, and back: replicates averaged, outcomes put on a robust scale."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonicalise
from models.search.proposal import Direction, Observation

_CONSTANT = 1e-12


class Measurements(NamedTuple):
    """Distinct architectures in canonical order of first appearance, with arrays of one entry each.

    `values` are means over `counts` replicates; `stds` the standard errors of these means, NaN where not all are known.
    """

    architectures: tuple[Architecture, ...]
    values: np.ndarray
    counts: np.ndarray
    stds: np.ndarray


def merge_replicates(observations: Sequence[Observation]) -> Measurements:
    """The observations with isomorphic architectures averaged.

    Raises `ValueError`, naming the field, for a value or `std` that is not finite, and for a negative `std`.
    """
    groups: dict[Architecture, list[Observation]] = {}
    for index, observation in enumerate(observations):
        _check(index, observation)
        groups.setdefault(canonicalise(observation.architecture), []).append(observation)
    means, counts, stds = [], [], []
    for group in groups.values():
        count = len(group)
        means.append(sum(observation.value / count for observation in group))
        counts.append(float(count))
        errors = [observation.std for observation in group if observation.std is not None]
        stds.append(math.hypot(*errors) / count if len(errors) == count else math.nan)
    return Measurements(tuple(groups), *(np.array(column, dtype=np.float64) for column in (means, counts, stds)))


@dataclass(frozen=True)
class OutcomeScale:
    """An invertible map from the objective's unit to standardised outcomes that are to be maximised.

    The value, with its sign turned for minimisation, is measured from the median in units of `spread`, the root mean square
    deviation of the better half, so that terrible architectures do not set the scale. Below the
    median it is compressed logarithmically; above it is linear, so that improvements keep their size. Then it is standardised.
    """

    sign: float
    unit: float
    median: float
    spread: float
    mean: float
    std: float

    def forward(self, values: np.ndarray) -> np.ndarray:
        """The standardised outcomes of values in the objective's unit."""
        outcomes: np.ndarray = (_compress(self._deviation(values)) - self.mean) / self.std
        return outcomes

    def forward_std(self, values: np.ndarray, stds: np.ndarray) -> np.ndarray:
        """The standard deviations of standardised outcomes, to first order around each value."""
        below = np.maximum(-self._deviation(values), 0.0)
        scaled: np.ndarray = stds / self.unit / self.spread / (1.0 + below) / self.std
        return scaled

    def inverse(self, outcomes: np.ndarray) -> np.ndarray:
        """The values in the objective's unit of standardised outcomes."""
        deviation = _expand(outcomes * self.std + self.mean)
        values: np.ndarray = self.sign * self.unit * (deviation * self.spread + self.median)
        return values

    def inverse_std(self, outcomes: np.ndarray, stds: np.ndarray) -> np.ndarray:
        """Half the width in the objective's unit of one standard deviation to either side of the outcome."""
        widths: np.ndarray = 0.5 * np.abs(self.inverse(outcomes + stds) - self.inverse(outcomes - stds))
        return widths

    def _deviation(self, values: np.ndarray) -> np.ndarray:
        deviation: np.ndarray = (self.sign * values / self.unit - self.median) / self.spread
        return deviation


def outcome_scale(values: np.ndarray, direction: Direction) -> OutcomeScale:
    """The scale of at least one finite value. Constant values give outcomes of zero, with their own magnitude as the unit."""
    sign = 1.0 if direction == "maximize" else -1.0
    unit = float(np.abs(values).max()) or 1.0
    signed = sign * values / unit
    median = float(np.median(signed))
    upper = signed[signed >= median] - median
    spread = math.sqrt(float(np.mean(upper**2)))
    if spread < _CONSTANT:
        spread = float(signed.std())
    if spread < _CONSTANT:
        return OutcomeScale(sign, unit, median, 1.0, 0.0, 1.0)
    outcomes = _compress((signed - median) / spread)
    return OutcomeScale(sign, unit, median, spread, float(outcomes.mean()), float(outcomes.std()))


def _compress(deviation: np.ndarray) -> np.ndarray:
    compressed: np.ndarray = np.maximum(deviation, 0.0) - np.log1p(np.maximum(-deviation, 0.0))
    return compressed


def _expand(outcome: np.ndarray) -> np.ndarray:
    expanded: np.ndarray = np.maximum(outcome, 0.0) - np.expm1(np.maximum(-outcome, 0.0))
    return expanded


def _check(index: int, observation: Observation) -> None:
    if not math.isfinite(observation.value):
        raise ValueError(
            f"observations[{index}].value must be a finite number, got {observation.value}; report a failed trial as failed"
        )
    if observation.std is not None and not (math.isfinite(observation.std) and observation.std >= 0.0):
        raise ValueError(
            f"observations[{index}].std must be a finite number of at least 0, got {observation.std}; leave it out if unknown"
        )
