"""From observations to what there is to know of each architecture: isomorphic ones joined, replicates averaged.

How values become standardised outcomes is in `scales.py`.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonicalise
from models.search.proposal import Observation


class Measurements(NamedTuple):
    """Distinct architectures in canonical order of first appearance, with arrays of one entry each.

    `values` are means over `counts` replicates; `stds` the standard errors of these means, NaN where not all are known. `further`
    are the means of the further objectives, one column each.
    """

    architectures: tuple[Architecture, ...]
    values: np.ndarray
    counts: np.ndarray
    stds: np.ndarray
    further: np.ndarray


def merge_replicates(observations: Sequence[Observation]) -> Measurements:
    """The observations with isomorphic architectures averaged.

    Raises `ValueError`, naming the field, for a value or `std` that is not finite, and for a negative `std`.
    """
    groups: dict[Architecture, list[Observation]] = {}
    for index, observation in enumerate(observations):
        _check(index, observation)
        groups.setdefault(canonicalise(observation.architecture), []).append(observation)
    means, counts, stds, further = [], [], [], []
    for group in groups.values():
        count = len(group)
        means.append(sum(observation.value / count for observation in group))
        counts.append(float(count))
        errors = [observation.std for observation in group if observation.std is not None]
        stds.append(math.hypot(*errors) / count if len(errors) == count else math.nan)
        further.append([sum(value / count for value in column) for column in zip(*(one.further for one in group), strict=True)])
    columns = (np.array(column, dtype=np.float64) for column in (means, counts, stds, further))
    return Measurements(tuple(groups), *columns)


def _check(index: int, observation: Observation) -> None:
    if not all(map(math.isfinite, observation.further)):
        raise ValueError(f"observations[{index}].further must be finite numbers, got {observation.further}")
    if not math.isfinite(observation.value):
        raise ValueError(
            f"observations[{index}].value must be a finite number, got {observation.value}; report a failed trial as failed"
        )
    if observation.std is not None and not (math.isfinite(observation.std) and observation.std >= 0.0):
        raise ValueError(
            f"observations[{index}].std must be a finite number of at least 0, got {observation.std}; leave it out if unknown"
        )
