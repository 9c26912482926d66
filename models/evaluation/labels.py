"""Architectures with one label each, taken from measurements: which metric, and in which unit."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.architectures.architecture import Architecture
from models.datasets.measured import MeasuredArchitectures, UnknownMetric


@dataclass(frozen=True, eq=False)
class Labelled:
    """`n` architectures and the value of one metric for each, `n` float64, in the unit of its source."""

    architectures: tuple[Architecture, ...]
    values: np.ndarray
    metric: str

    def take(self, places: np.ndarray | Sequence[int]) -> "Labelled":
        """Those at `places` alone, in that order."""
        return Labelled(tuple(self.architectures[place] for place in places), self.values[np.asarray(places)], self.metric)


class NoFractions(ValueError):
    """A metric that should be an accuracy is neither a fraction nor a percentage."""


def choose_metric(measured: MeasuredArchitectures, name: str | None) -> str:
    """The metric called `name`, or the first accuracy there is. Raises `UnknownMetric`, which lists the metrics there are."""
    choices = ", ".join(measured.metrics)
    if name is not None and name not in measured.metrics:
        raise UnknownMetric(f"no metric '{name}' was measured; choose one of {choices}")
    if name is not None:
        return name
    accuracies = [metric for metric in measured.metrics if "acc" in metric or "val" in metric or "test" in metric]
    if not accuracies:
        raise UnknownMetric(f"none of the metrics {choices} is called an accuracy; name the one to predict with --metric")
    return accuracies[0]


def labelled(measured: MeasuredArchitectures, metric: str) -> Labelled:
    """Every architecture that has the metric, with its mean over the measurements."""
    values = measured.metric(metric)
    known = np.flatnonzero(~np.isnan(values))
    return Labelled(tuple(measured.architectures[place] for place in known), values[known], metric)


def as_fractions(data: Labelled) -> Labelled:
    """The labels as fractions; percentages are divided by 100. Raises `NoFractions` where they can be neither."""
    low, high = float(data.values.min()), float(data.values.max())
    if low < 0.0 or high > 100.0:
        raise NoFractions(
            f"expected '{data.metric}' to be an accuracy in [0, 1] or percent, got {low:g} to {high:g}; choose another"
        )
    scale = 100.0 if high > 1.0 else 1.0
    return Labelled(data.architectures, data.values / scale, data.metric)
