"""From values in the objective's unit to standardised outcomes that are to be maximised, and back."""

import sys
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import boxcox1p, inv_boxcox1p, ndtri
from scipy.stats import rankdata, yeojohnson_llf

from models.search.proposal import Direction

MAX_DEVIATIONS = 20.0
"""On the linear scale, values farther below the median than so many median absolute deviations count as just so far."""

MAX_STD = 1e4
"""The largest standard deviation that a standardised outcome is given; beyond it nothing is known."""

_POWERS = np.linspace(0.0, 2.0, 21)

_CONSTANT = 1e-12
_STEEPEST = 1e100
_FARTHEST = 1e100


class OutcomeScale(Protocol):
    """An increasing map, decreasing where values are to be minimised."""

    def forward(self, values: np.ndarray) -> np.ndarray:
        """The standardised outcomes of values in the objective's unit."""
        ...

    def forward_std(self, values: np.ndarray, stds: np.ndarray) -> np.ndarray:
        """The standard deviations of the outcomes of uncertain values, at most `MAX_STD`; NaN stays NaN."""
        ...

    def inverse(self, outcomes: np.ndarray) -> np.ndarray:
        """The values in the objective's unit of standardised outcomes."""
        ...

    def inverse_std(self, outcomes: np.ndarray, stds: np.ndarray) -> np.ndarray:
        """The standard deviations in the objective's unit of uncertain outcomes."""
        ...


@dataclass(frozen=True)
class LinearScale:
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
        with np.errstate(over="ignore"):
            signed = np.maximum(self.sign * values / self.unit, self.floor)
        outcomes: np.ndarray = (signed - self.mean) / self.std
        return outcomes

    def forward_std(self, values: np.ndarray, stds: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            scaled: np.ndarray = np.minimum(stds / self.unit / self.std, MAX_STD)
        return scaled

    def inverse(self, outcomes: np.ndarray) -> np.ndarray:
        return _enlarged(self.sign * (outcomes * self.std + self.mean), self.unit)

    def inverse_std(self, outcomes: np.ndarray, stds: np.ndarray) -> np.ndarray:
        return _enlarged(stds * self.std, self.unit)


def linear_scale(values: np.ndarray, direction: Direction) -> LinearScale:
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
        return LinearScale(sign, largest * share, floor / share, float(np.median(kept)), 1.0)
    return LinearScale(sign, largest * share, floor / share, float(kept.mean()), std)


@dataclass(frozen=True, eq=False)
class RankScale:
    """A map that gives the observed values the quantiles of a normal distribution by their rank, and is linear between them.

    `knots` are the distinct values, ascending, with their sign turned for minimisation, in units of `unit`; `outcomes` belong to
    them. Beyond the ends it goes on with the average slope of the outer half. Only the order of the values counts for the
    search, so that neither disasters nor a crowd of good architectures a hair apart set the scale. Salinas, Shen & Perrone, "A
    quantile-based approach for hyperparameter transfer learning" (2020), use a similar map.
    """

    sign: float
    unit: float
    knots: np.ndarray
    outcomes: np.ndarray

    def forward(self, values: np.ndarray) -> np.ndarray:
        return _interpolate(self.sign * values / self.unit, self.knots, self.outcomes)

    def forward_std(self, values: np.ndarray, stds: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            centre, width = self.sign * values / self.unit, np.minimum(stds / self.unit, MAX_STD)
        ends = (_interpolate(centre + side * width, self.knots, self.outcomes) for side in (1.0, -1.0))
        scaled: np.ndarray = np.minimum(0.5 * np.subtract(*ends), MAX_STD)
        return scaled

    def inverse(self, outcomes: np.ndarray) -> np.ndarray:
        return _enlarged(self.sign * _interpolate(outcomes, self.outcomes, self.knots), self.unit)

    def inverse_std(self, outcomes: np.ndarray, stds: np.ndarray) -> np.ndarray:
        ends = (_interpolate(outcomes + side * stds, self.outcomes, self.knots) for side in (1.0, -1.0))
        return _enlarged(0.5 * np.subtract(*ends), self.unit)


def rank_scale(values: np.ndarray, direction: Direction) -> RankScale:
    """The scale of at least one finite value. Equal values share their average rank; constant ones give outcomes of zero."""
    sign = 1.0 if direction == "maximize" else -1.0
    unit = _magnitude(values)
    signed = sign * values / unit
    scores = ndtri((rankdata(signed) - 0.5) / len(signed))
    spread = float(scores.std())
    knots, first = np.unique(signed, return_index=True)
    outcomes = np.zeros(1) if len(knots) == 1 else (scores[first] - scores.mean()) / spread
    return RankScale(sign, unit, knots, outcomes)


@dataclass(frozen=True)
class PowerScale:
    """A smooth map: the linear one, then the power of Yeo & Johnson that makes the observed values most normal, standardised.

    Unlike ranks it says nothing of how densely values were observed where: a search for trade-offs observes many poor but cheap
    architectures, above which the good ones have to stay far apart. HEBO uses the same map: Cowen-Rivers et al., "HEBO: pushing
    the limits of sample-efficient hyper-parameter optimisation" (2022).
    """

    linear: LinearScale
    power: float
    mean: float
    std: float

    def forward(self, values: np.ndarray) -> np.ndarray:
        outcomes: np.ndarray = (_raise(self.linear.forward(values), self.power) - self.mean) / self.std
        return outcomes

    def forward_std(self, values: np.ndarray, stds: np.ndarray) -> np.ndarray:
        centre, width = self.linear.forward(values), self.linear.forward_std(values, stds)
        ends = (_raise(centre + side * width, self.power) for side in (1.0, -1.0))
        scaled: np.ndarray = np.minimum(0.5 * np.subtract(*ends) / self.std, MAX_STD)
        return scaled

    def inverse(self, outcomes: np.ndarray) -> np.ndarray:
        return self.linear.inverse(_lower(outcomes * self.std + self.mean, self.power))

    def inverse_std(self, outcomes: np.ndarray, stds: np.ndarray) -> np.ndarray:
        ends = (_lower((outcomes + side * stds) * self.std + self.mean, self.power) for side in (1.0, -1.0))
        return self.linear.inverse_std(outcomes, 0.5 * np.subtract(*ends))


def power_scale(values: np.ndarray, direction: Direction) -> PowerScale:
    """The scale of at least one finite value. Constant values give outcomes of zero."""
    linear = linear_scale(values, direction)
    signed = linear.forward(values)
    if np.ptp(signed) < _CONSTANT:
        return PowerScale(linear, 1.0, 0.0, 1.0)
    power = float(max(_POWERS, key=lambda power: yeojohnson_llf(power, signed)))
    raised = _raise(signed, power)
    return PowerScale(linear, power, float(raised.mean()), float(raised.std()))


def _raise(numbers: np.ndarray, power: float) -> np.ndarray:
    """Yeo & Johnson, "A new family of power transformations to improve normality or symmetry" (2000), for powers from 0 to 2."""
    raised: np.ndarray = np.where(numbers >= 0.0, boxcox1p(numbers.clip(0.0), power), -boxcox1p((-numbers).clip(0.0), 2.0 - power))
    return raised


def _lower(raised: np.ndarray, power: float) -> np.ndarray:
    """The inverse of `_raise`."""
    above, below = inv_boxcox1p(raised.clip(0.0), power), inv_boxcox1p((-raised).clip(0.0), 2.0 - power)
    numbers: np.ndarray = np.where(raised >= 0.0, above, -below).clip(-_FARTHEST, _FARTHEST)
    return numbers


def _interpolate(numbers: np.ndarray, knots: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Piecewise linear through the ascending knots, with the average slope of the outer half beyond them."""
    inside: np.ndarray = np.interp(numbers, knots, images)
    if len(knots) == 1:
        beside: np.ndarray = inside + (numbers - knots[0])
        return beside
    lower, upper = slice(0, len(knots) // 2 + 1), slice((len(knots) - 1) // 2, None)
    below, above = (_slope(knots[half], images[half]) for half in (lower, upper))
    shifted: np.ndarray = inside + below * np.minimum(numbers - knots[0], 0.0) + above * np.maximum(numbers - knots[-1], 0.0)
    return shifted


def _slope(knots: np.ndarray, images: np.ndarray) -> float:
    with np.errstate(over="ignore"):
        return min(float((images[-1] - images[0]) / (knots[-1] - knots[0])), _STEEPEST)


def _enlarged(numbers: np.ndarray, unit: float) -> np.ndarray:
    with np.errstate(over="ignore"):
        values: np.ndarray = np.clip(numbers * unit, -sys.float_info.max, sys.float_info.max)
    return values


def _magnitude(values: np.ndarray) -> float:
    return float(np.abs(values).max()) or 1.0
