"""Architectures with one label each, taken from measurements: which metric, and in which unit."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.architectures.architecture import Architecture
from models.datasets.measured import MeasuredArchitectures, UnknownMetric

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_NO_ACCURACY = re.compile(r".*(loss(es)?|err(ors?)?|sec(ond)?s?|times?)")
_HELD_OUT = {"validation", "valid", "val", "test"}


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
    """The metric called `name`, or the first accuracy there is: a name with `acc`, or else with a word such as `val` or `test`.

    Names of losses, errors and times are passed over. Raises `UnknownMetric`, which lists the metrics there are.
    """
    choices = ", ".join(measured.metrics)
    if name is not None and name not in measured.metrics:
        raise UnknownMetric(f"no metric '{name}' was measured; choose one of {choices}")
    if name is not None:
        return name
    words = {metric: _words(metric) for metric in measured.metrics}
    possible = [metric for metric in words if not any(_NO_ACCURACY.fullmatch(word) for word in words[metric])]
    accuracies = [metric for metric in possible if "acc" in metric.lower()]
    accuracies += [metric for metric in possible if _HELD_OUT & words[metric]]
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


def _words(name: str) -> set[str]:
    """The words of a name such as `val_loss`, `valLoss` or `val loss`, in small letters."""
    return {word.lower() for word in _WORD.findall(name)}
