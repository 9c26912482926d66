"""From observations to what the surrogate is fitted to, and back: replicates averaged, outcomes standardised."""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonicalise
from models.search.proposal import Direction, Observation

MAX_DEVIATIONS = 20.0
"""Values farther below the median than so many median absolute deviations count as just so far."""

MAX_STD = 1e4
"""The largest standard deviation that a standardised outcome is given."""

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
    """A linear map from the objective's unit to standardised outcomes that are to be maximised.

    Only what is far below the rest is raised to `floor` first, so that a disaster does not set the scale. `mean`, `std` and `floor`
    are of values with their sign turned for minimisation, in units of `unit`, their magnitude: squares then neither overflow nor
    vanish.
    """

    sign: float
    unit: float
    floor: float
    mean: float
    std: float

    def forward(self, values: np.ndarray) -> np.ndarray:
        """The standardised outcomes of values in the objective's unit."""
        with np.errstate(over="ignore"):
            signed = np.maximum(self.sign * values / self.unit, self.floor)
        outcomes: np.ndarray = (signed - self.mean) / self.std
        return outcomes

    def forward_std(self, stds: np.ndarray) -> np.ndarray:
        """The standard deviations of standardised outcomes; beyond `MAX_STD`, where nothing is known, they stay there."""
        with np.errstate(over="ignore"):
            scaled: np.ndarray = np.minimum(stds / self.unit / self.std, MAX_STD)
        return scaled

    def inverse(self, outcomes: np.ndarray) -> np.ndarray:
        """The values in the objective's unit of standardised outcomes."""
        return self._enlarged(self.sign * (outcomes * self.std + self.mean))

    def inverse_std(self, stds: np.ndarray) -> np.ndarray:
        """The standard deviations in the objective's unit of those of standardised outcomes."""
        return self._enlarged(stds * self.std)

    def _enlarged(self, numbers: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            values: np.ndarray = np.clip(numbers * self.unit, -sys.float_info.max, sys.float_info.max)
        return values


def outcome_scale(values: np.ndarray, direction: Direction) -> OutcomeScale:
    """The scale of at least one finite value. Constant values give outcomes of zero, with their own magnitude as the unit."""
    sign = 1.0 if direction == "maximize" else -1.0
    largest = _magnitude(values)
    signed = sign * values / largest
    median = float(np.median(signed))
    deviation = float(np.median(np.abs(signed - median)))
    floor = median - MAX_DEVIATIONS * deviation if deviation > _CONSTANT * abs(median) else float(signed.min())
    kept = np.maximum(signed, floor)
    share = _magnitude(kept)
    kept = kept / share
    std = float(kept.std())
    if std < _CONSTANT:
        return OutcomeScale(sign, largest * share, floor / share, float(np.median(kept)), 1.0)
    return OutcomeScale(sign, largest * share, floor / share, float(kept.mean()), std)


def _magnitude(values: np.ndarray) -> float:
    return float(np.abs(values).max()) or 1.0


def _check(index: int, observation: Observation) -> None:
    if not math.isfinite(observation.value):
        raise ValueError(
            f"observations[{index}].value must be a finite number, got {observation.value}; report a failed trial as failed"
        )
    if observation.std is not None and not (math.isfinite(observation.std) and observation.std >= 0.0):
        raise ValueError(
            f"observations[{index}].std must be a finite number of at least 0, got {observation.std}; leave it out if unknown"
        )
