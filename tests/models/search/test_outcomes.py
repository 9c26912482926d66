import math

import pytest

from models.architectures.architecture import Architecture
from models.search.outcomes import merge_replicates
from models.search.proposal import Observation

FIRST = Architecture("nasbench101", ("input", "conv1x1", "conv3x3", "output"), ((0, 1), (0, 2), (1, 3), (2, 3)))
SAME = Architecture("nasbench101", ("input", "conv3x3", "conv1x1", "output"), ((0, 1), (0, 2), (1, 3), (2, 3)))
OTHER = Architecture("nasbench101", ("input", "output"), ((0, 1),))


def test_isomorphic_observations_are_averaged_with_their_count() -> None:
    merged = merge_replicates([Observation(FIRST, 1.0, 0.3), Observation(OTHER, 5.0), Observation(SAME, 3.0, 0.4)])
    assert len(merged.architectures) == 2
    assert merged.values.tolist() == [2.0, 5.0]
    assert merged.counts.tolist() == [2.0, 1.0]
    assert merged.stds[0] == pytest.approx(0.25)
    assert math.isnan(merged.stds[1])


def test_one_unknown_std_makes_the_noise_of_the_mean_unknown() -> None:
    merged = merge_replicates([Observation(FIRST, 1.0, 0.3), Observation(SAME, 3.0)])
    assert math.isnan(merged.stds[0])


def test_no_observations() -> None:
    assert merge_replicates([]).values.shape == (0,)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_are_named(value: float) -> None:
    with pytest.raises(ValueError, match=r"observations\[1\]\.value must be a finite number"):
        merge_replicates([Observation(FIRST, 1.0), Observation(OTHER, value)])


@pytest.mark.parametrize("std", [math.nan, math.inf, -0.1])
def test_impossible_stds_are_named(std: float) -> None:
    with pytest.raises(ValueError, match=r"observations\[0\]\.std must be a finite number of at least 0"):
        merge_replicates([Observation(FIRST, 1.0, std)])
