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


def _check(index: int, observation: Observation) -> None:
    if not math.isfinite(observation.value):
        raise ValueError(
            f"observations[{index}].value must be a finite number, got {observation.value}; report a failed trial as failed"
        )
    if observation.std is not None and not (math.isfinite(observation.std) and observation.std >= 0.0):
        raise ValueError(
            f"observations[{index}].std must be a finite number of at least 0, got {observation.std}; leave it out if unknown"
        )
