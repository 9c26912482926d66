"""Architectures with what was measured on them: the value, and the list of measurements it is built from."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from models.architectures.architecture import Architecture


class UnknownMetric(ValueError):
    """No metric of this name was measured."""


@dataclass(frozen=True, eq=False)
class MeasuredArchitectures:
    """`n` architectures, no two isomorphic, and the `r` measurements made on them, one row each, in the order of their source.

    `architectures` are in canonical order, the first measured first. `rows`: `r` int64, the place in `architectures` of what a
    row measured. `row_values`: by metric, `r` float64, NaN where a row leaves the metric out. `source`: a sentence for cards and
    reports. The arrays are read-only.
    """

    architectures: tuple[Architecture, ...]
    rows: np.ndarray
    row_values: Mapping[str, np.ndarray]
    source: str

    def __post_init__(self) -> None:
        for column in (self.rows, *self.row_values.values()):
            column.setflags(write=False)

    @property
    def metrics(self) -> tuple[str, ...]:
        return tuple(self.row_values)

    @cached_property
    def counts(self) -> np.ndarray:
        """How many rows measured each architecture: `n` int64, at least 1."""
        counts = np.bincount(self.rows, minlength=len(self.architectures))
        counts.setflags(write=False)
        return counts

    @cached_property
    def values(self) -> Mapping[str, np.ndarray]:
        """By metric, the mean over the rows of each architecture that have the metric, NaN where none has: `n` float64."""
        return {name: _means(column, self.rows, len(self.architectures)) for name, column in self.row_values.items()}

    def metric(self, name: str) -> np.ndarray:
        """`values[name]`. Raises `UnknownMetric`, which lists the metrics there are."""
        if name not in self.row_values:
            raise UnknownMetric(f"no metric '{name}' was measured; choose one of {', '.join(self.metrics)}")
        return self.values[name]

    def take(self, rows: Sequence[int] | np.ndarray, source: str) -> "MeasuredArchitectures":
        """The measurements at the places `rows` alone, in that order."""
        chosen = self.rows[np.asarray(rows, dtype=np.int64)]
        distinct, first, inverse = np.unique(chosen, return_index=True, return_inverse=True)
        order = np.argsort(first)
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        return MeasuredArchitectures(
            tuple(self.architectures[index] for index in distinct[order]),
            place[inverse],
            {name: column[np.asarray(rows, dtype=np.int64)] for name, column in self.row_values.items()},
            source,
        )


class Measurements:
    """The rows read so far. Architectures that are added twice are kept once."""

    def __init__(self) -> None:
        self._places: dict[Architecture, int] = {}
        self._rows = array("q")
        self._columns: dict[str, array[float]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def num_architectures(self) -> int:
        return len(self._places)

    @property
    def metrics(self) -> tuple[str, ...]:
        return tuple(self._columns)

    def add(self, architecture: Architecture, values: Mapping[str, float]) -> None:
        """One row: `architecture`, in canonical order, and its values by metric."""
        for name in values:
            if name not in self._columns:
                self._columns[name] = array("d", [np.nan]) * len(self._rows)
        self._rows.append(self._places.setdefault(architecture, len(self._places)))
        for name, column in self._columns.items():
            column.append(values.get(name, np.nan))

    def build(self, source: str) -> MeasuredArchitectures:
        columns = {name: np.array(column, dtype=np.float64) for name, column in self._columns.items()}
        return MeasuredArchitectures(tuple(self._places), np.array(self._rows, dtype=np.int64), columns, source)


def _means(column: np.ndarray, rows: np.ndarray, num_architectures: int) -> np.ndarray:
    known = ~np.isnan(column)
    counts = np.bincount(rows[known], minlength=num_architectures)
    sums = np.bincount(rows[known], weights=column[known], minlength=num_architectures)
    means = np.full(num_architectures, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    means.setflags(write=False)
    return means
