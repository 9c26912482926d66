import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.architectures.architecture import Architecture
from models.search.outcomes import MAX_STD, merge_replicates, outcome_scale
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
def test_the_order_is_kept_and_what_is_above_the_floor_comes_back(values: list[float], direction: Direction) -> None:
    array = np.array(values)
    scale = outcome_scale(array, direction)
    outcomes = scale.forward(array)
    assert np.isfinite(outcomes).all()
    signed = array if direction == "maximize" else -array
    kept = np.maximum(signed, scale.floor * scale.unit)
    near = signed >= np.median(signed) - 19.0 * np.median(np.abs(signed - np.median(signed)))
    np.testing.assert_allclose(kept[near], signed[near], rtol=1e-12)
    np.testing.assert_allclose(scale.inverse(outcomes) * scale.sign, kept, rtol=1e-7, atol=1e-7 * np.abs(kept).max())
    assert (np.diff(outcomes[np.argsort(signed, kind="stable")]) >= -1e-9).all()


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


@pytest.mark.parametrize("disaster", [-1e9, -1e300])
def test_a_disaster_does_not_set_the_scale(disaster: float) -> None:
    good = np.linspace(0.8, 0.9, 50)
    outcomes = outcome_scale(np.append(good, disaster), "maximize").forward(np.append(good, disaster))
    assert np.ptp(outcomes[:50]) > 0.3 * np.ptp(outcome_scale(good, "maximize").forward(good))
    assert outcomes[50] > -8.0
    errors = outcome_scale(np.append(1.0 - good, -disaster), "minimize").forward(np.append(1.0 - good, -disaster))
    np.testing.assert_allclose(errors, outcomes, rtol=1e-6)


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_all_but_disasters_keep_their_proportions(direction: Direction) -> None:
    """As the search closes in on the best, the rest must not be pressed together: what lies between would not be explored."""
    values = np.concatenate([np.linspace(70.0, 75.0, 10), np.linspace(88.0, 90.0, 12)])
    outcomes = outcome_scale(values, direction).forward(values)
    np.testing.assert_allclose(np.abs(outcomes[:, None] - outcomes), np.abs(values[:, None] - values) / values.std(), atol=1e-9)


def test_stds_go_both_ways() -> None:
    values = np.array([60.0, 78.0, 80.0, 82.0, 84.0])
    scale = outcome_scale(values, "minimize")
    stds = np.array([0.5, 2.0])
    np.testing.assert_allclose(scale.forward_std(stds), stds / values.std())
    np.testing.assert_allclose(scale.inverse_std(scale.forward_std(stds)), stds)
    assert np.isnan(scale.forward_std(np.array([np.nan]))).all()


@pytest.mark.parametrize("values", [[1e-320, 3e-320], [0.0, 1e-320], [-1.7e308, 1.7e308], [1.0, 1.0 + 1e-15], [0.0, 0.0]])
def test_extreme_values_and_stds_give_finite_numbers(values: list[float]) -> None:
    array = np.array(values)
    scale = outcome_scale(array, "maximize")
    outcomes = scale.forward(array)
    stds = scale.forward_std(np.array([0.0, 1e-320, 1e308]))
    assert scale.forward_std(np.array([1e308])) <= MAX_STD
    for numbers in (outcomes, stds, scale.inverse(outcomes + 9.0), scale.inverse_std(stds)):
        assert np.isfinite(numbers).all()


@pytest.mark.parametrize("values", [[0.0], [0.0, 0.0], [7.0] * 5, [-1e9] * 3])
def test_constant_values_give_outcomes_of_zero(values: list[float]) -> None:
    scale = outcome_scale(np.array(values), "maximize")
    assert scale.forward(np.array(values)).tolist() == [0.0] * len(values)
    assert scale.inverse(np.zeros(1)).tolist() == values[:1]
