import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.architectures.architecture import Architecture
from models.search.outcomes import merge_replicates, outcome_scale
from models.search.proposal import Direction, Observation

FIRST = Architecture("nasbench101", ("input", "conv1x1", "conv3x3", "output"), ((0, 1), (0, 2), (1, 3), (2, 3)))
SAME = Architecture("nasbench101", ("input", "conv3x3", "conv1x1", "output"), ((0, 1), (0, 2), (1, 3), (2, 3)))
OTHER = Architecture("nasbench101", ("input", "output"), ((0, 1),))

values_lists = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)


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


@given(values_lists, st.sampled_from(["maximize", "minimize"]))
def test_the_map_is_invertible_and_keeps_the_order(values: list[float], direction: Direction) -> None:
    array = np.array(values)
    scale = outcome_scale(array, direction)
    outcomes = scale.forward(array)
    assert np.isfinite(outcomes).all()
    np.testing.assert_allclose(scale.inverse(outcomes), array, rtol=1e-7, atol=1e-7 * np.abs(array).max())
    order = np.argsort(array if direction == "maximize" else -array, kind="stable")
    assert (np.diff(outcomes[order]) >= -1e-9).all()


@given(st.lists(st.floats(-100.0, 100.0), min_size=2, max_size=20, unique=True), st.sampled_from([1e-9, 1e9, 1e300]))
def test_the_unit_does_not_matter(values: list[float], factor: float) -> None:
    array = np.array(values)
    if np.ptp(array) < 1e-6:
        array = array + np.arange(len(array))
    plain = outcome_scale(array, "maximize").forward(array)
    np.testing.assert_allclose(outcome_scale(array * factor, "maximize").forward(array * factor), plain, atol=1e-6)


def test_outcomes_are_standardised() -> None:
    values = np.random.default_rng(0).normal(70.0, 8.0, size=100)
    outcomes = outcome_scale(values, "minimize").forward(values)
    assert outcomes.mean() == pytest.approx(0.0, abs=1e-12)
    assert outcomes.std() == pytest.approx(1.0)


def test_terrible_architectures_do_not_set_the_scale() -> None:
    good = np.linspace(80.0, 90.0, 50)
    spoiled = np.concatenate([good, np.full(5, 10.0)])

    def spread_of_the_good(values: np.ndarray) -> float:
        outcomes = outcome_scale(values, "maximize").forward(good)
        return float(np.ptp(outcomes))

    plain = np.ptp(good) / spoiled.std()
    assert spread_of_the_good(spoiled) > 2.0 * plain
    assert spread_of_the_good(spoiled) > 0.6 * spread_of_the_good(good)


def test_improvements_keep_their_proportions() -> None:
    values = np.array([1.0, 70.0, 80.0, 82.0, 84.0])
    outcomes = outcome_scale(values, "maximize").forward(np.array([82.0, 84.0, 86.0, 90.0]))
    np.testing.assert_allclose(np.diff(outcomes) / (outcomes[1] - outcomes[0]), [1.0, 1.0, 2.0])


def test_stds_go_both_ways() -> None:
    values = np.array([60.0, 78.0, 80.0, 82.0, 84.0])
    scale = outcome_scale(values, "minimize")
    stds = np.full(2, 0.5)
    inner = scale.forward_std(values[:2], stds)
    np.testing.assert_allclose(scale.inverse_std(scale.forward(values[:2]), inner), stds, rtol=1e-9)


def test_a_std_in_the_compressed_tail_counts_less() -> None:
    values = np.array([10.0, 78.0, 80.0, 82.0, 84.0])
    tail, body = outcome_scale(values, "maximize").forward_std(values[[0, 3]], np.ones(2))
    assert tail < 0.2 * body


@pytest.mark.parametrize("values", [[0.0], [0.0, 0.0], [7.0] * 5, [-1e9] * 3])
def test_constant_values_give_outcomes_of_zero(values: list[float]) -> None:
    scale = outcome_scale(np.array(values), "maximize")
    assert scale.forward(np.array(values)).tolist() == [0.0] * len(values)
    assert scale.inverse(np.zeros(1)).tolist() == values[:1]


def test_a_constant_better_half_is_not_a_constant_objective() -> None:
    values = np.array([0.0, 0.5, 1.0, 1.0, 1.0])
    outcomes = outcome_scale(values, "maximize").forward(values)
    assert outcomes.std() == pytest.approx(1.0)
