import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.preprocessing import PowerTransformer

from models.search.proposal import Direction
from models.search.scales import MAX_STD, OutcomeScale, linear_scale, power_scale, rank_scale

values_lists = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)
DIRECTIONS = st.sampled_from(["maximize", "minimize"])


@given(values_lists, st.sampled_from(["maximize", "minimize"]))
def test_the_order_is_kept_and_what_is_above_the_floor_comes_back(values: list[float], direction: Direction) -> None:
    array = np.array(values)
    scale = linear_scale(array, direction)
    outcomes = scale.forward(array)
    assert np.isfinite(outcomes).all()
    signed = array if direction == "maximize" else -array
    kept = np.maximum(signed, scale.floor * scale.unit)
    near = signed >= np.median(signed) - 19.0 * np.median(np.abs(signed - np.median(signed)))
    np.testing.assert_allclose(kept[near], signed[near], rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(scale.inverse(outcomes) * scale.sign, kept, rtol=1e-7, atol=1e-7 * np.abs(kept).max())
    assert (np.diff(outcomes[np.argsort(signed, kind="stable")]) >= -1e-9).all()


@given(st.lists(st.floats(-100.0, 100.0), min_size=2, max_size=20, unique=True), st.sampled_from([1e-9, 1e9, 1e300]))
def test_the_unit_does_not_matter(values: list[float], factor: float) -> None:
    array = np.array(values)
    if np.ptp(array) < 1e-6:
        array = array + np.arange(len(array))
    plain = linear_scale(array, "maximize").forward(array)
    np.testing.assert_allclose(linear_scale(array * factor, "maximize").forward(array * factor), plain, atol=1e-6)


def test_outcomes_are_standardised() -> None:
    values = np.random.default_rng(0).normal(70.0, 8.0, size=100)
    outcomes = linear_scale(values, "minimize").forward(values)
    assert outcomes.mean() == pytest.approx(0.0, abs=1e-12)
    assert outcomes.std() == pytest.approx(1.0)


@pytest.mark.parametrize("disaster", [-1e9, -1e300])
def test_a_disaster_does_not_set_the_scale(disaster: float) -> None:
    good = np.linspace(0.8, 0.9, 50)
    outcomes = linear_scale(np.append(good, disaster), "maximize").forward(np.append(good, disaster))
    assert np.ptp(outcomes[:50]) > 0.3 * np.ptp(linear_scale(good, "maximize").forward(good))
    assert outcomes[50] > -8.0
    errors = linear_scale(np.append(1.0 - good, -disaster), "minimize").forward(np.append(1.0 - good, -disaster))
    np.testing.assert_allclose(errors, outcomes, rtol=1e-6)


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_all_but_disasters_keep_their_proportions(direction: Direction) -> None:
    """As the search closes in on the best, the rest must not be pressed together: what lies between would not be explored."""
    values = np.concatenate([np.linspace(70.0, 75.0, 10), np.linspace(88.0, 90.0, 12)])
    outcomes = linear_scale(values, direction).forward(values)
    np.testing.assert_allclose(np.abs(outcomes[:, None] - outcomes), np.abs(values[:, None] - values) / values.std(), atol=1e-9)


def test_stds_go_both_ways() -> None:
    values = np.array([60.0, 78.0, 80.0, 82.0, 84.0])
    scale = linear_scale(values, "minimize")
    stds = np.array([0.5, 2.0])
    np.testing.assert_allclose(scale.forward_std(values[:2], stds), stds / values.std())
    np.testing.assert_allclose(scale.inverse_std(np.zeros(2), scale.forward_std(values[:2], stds)), stds)
    assert np.isnan(scale.forward_std(values[:1], np.array([np.nan]))).all()


@pytest.mark.parametrize("make", [linear_scale, rank_scale, power_scale])
@pytest.mark.parametrize("direction", ["maximize", "minimize"])
@pytest.mark.parametrize(
    "values", [[1e-320, 3e-320], [0.0, 1e-320, 1.0], [-1.7e308, 1.7e308], [1.0, 1.0 + 1e-15], [0.0, 0.0], [5.0]]
)
def test_extreme_values_and_stds_give_finite_numbers(
    make: Callable[[np.ndarray, Direction], OutcomeScale], direction: Direction, values: list[float]
) -> None:
    array = np.array(values)
    scale = make(array, direction)
    outcomes = scale.forward(array)
    stds = scale.forward_std(array[[0, 0, -1]], np.array([0.0, 1e-320, 1e308]))
    assert (stds >= 0.0).all()
    assert (stds <= MAX_STD).all()
    for numbers in (outcomes, stds, scale.inverse(outcomes + 9.0), scale.inverse_std(outcomes[[0, 0, -1]], stds)):
        assert np.isfinite(numbers).all()


@pytest.mark.parametrize("make", [linear_scale, rank_scale, power_scale])
@pytest.mark.parametrize("values", [[0.0], [0.0, 0.0], [7.0] * 5, [-1e9] * 3])
def test_constant_values_give_outcomes_of_zero(make: Callable[[np.ndarray, Direction], OutcomeScale], values: list[float]) -> None:
    scale = make(np.array(values), "maximize")
    assert scale.forward(np.array(values)).tolist() == [0.0] * len(values)
    assert scale.inverse(np.zeros(1)).tolist() == values[:1]


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30, unique=True), DIRECTIONS)
def test_ranks_become_quantiles_of_a_normal_distribution(values: list[float], direction: Direction) -> None:
    array = np.array(values)
    outcomes = rank_scale(array, direction).forward(array)
    order = np.argsort(array if direction == "maximize" else -array)
    quantiles = norm.ppf((np.arange(len(array)) + 0.5) / len(array))
    np.testing.assert_allclose(outcomes[order], quantiles / quantiles.std(), atol=1e-9)
    assert outcomes.std() == pytest.approx(1.0)


def test_equal_values_share_their_rank() -> None:
    outcomes = rank_scale(np.array([3.0, 1.0, 3.0, 9.0]), "maximize").forward(np.array([3.0, 1.0, 3.0, 9.0]))
    assert outcomes[0] == outcomes[2] == pytest.approx(0.0)
    assert outcomes[1] == pytest.approx(-outcomes[3])


@given(st.lists(st.floats(-30.0, 30.0), min_size=2, max_size=20, unique_by=lambda value: round(value, 3)))
def test_only_the_order_counts(values: list[float]) -> None:
    array = np.array(values)
    plain = rank_scale(array, "maximize").forward(array)
    for monotone in (np.exp(array), 1e9 * array - 5.0, np.cbrt(array)):
        np.testing.assert_allclose(rank_scale(monotone, "maximize").forward(monotone), plain)


@given(values_lists, DIRECTIONS, st.floats(-4.0, 4.0))
def test_ranks_go_both_ways_and_are_monotone(values: list[float], direction: Direction, outcome: float) -> None:
    array = np.array(values)
    scale = rank_scale(array, direction)
    largest = max(np.abs(array).max(), 1e-300)
    np.testing.assert_allclose(scale.inverse(scale.forward(array)), array, rtol=1e-9, atol=1e-9 * largest)
    higher, lower = scale.inverse(np.array([outcome + 0.5, outcome]))
    gain = higher - lower if direction == "maximize" else lower - higher
    assert gain >= -1e-15 * largest


@given(st.lists(st.floats(-100.0, 100.0), min_size=1, max_size=30), DIRECTIONS, st.floats(-4.0, 4.0))
def test_powers_go_both_ways_and_are_monotone(values: list[float], direction: Direction, outcome: float) -> None:
    array = np.array(values)
    scale, kept = power_scale(array, direction), linear_scale(array, direction)
    expected = kept.inverse(kept.forward(array))
    np.testing.assert_allclose(
        scale.inverse(scale.forward(array)), expected, rtol=1e-6, atol=1e-6 * max(np.abs(array).max(), 1e-300)
    )
    higher, lower = scale.inverse(np.array([outcome + 0.5, outcome]))
    assert (higher >= lower) if direction == "maximize" else (higher <= lower)


def test_powers_are_those_of_another_implementation() -> None:
    """Skewed to the left as accuracies are: what scikit-learn's transformer makes of them but for the resolution of the power."""
    values = 90.0 - np.random.default_rng(0).exponential(5.0, size=300)
    linear = linear_scale(values, "maximize").forward(values)
    theirs = PowerTransformer().fit(linear[:, None])
    scale = power_scale(values, "maximize")
    assert scale.power == pytest.approx(min(theirs.lambdas_[0], 2.0), abs=0.051)
    theirs.lambdas_[0] = scale.power
    ours = scale.forward(values)
    assert np.corrcoef(theirs.transform(linear[:, None])[:, 0], ours)[0, 1] == pytest.approx(1.0)
    assert (ours.mean(), ours.std()) == (pytest.approx(0.0, abs=1e-9), pytest.approx(1.0))


def test_a_std_of_a_rank_is_what_it_spans() -> None:
    values = np.array([0.0, 10.0, 20.0, 30.0, 1000.0])
    scale = rank_scale(values, "maximize")
    low, middle, high = scale.forward(np.array([10.0, 20.0, 30.0]))
    assert scale.forward_std(np.array([20.0]), np.array([10.0]))[0] == pytest.approx((high - low) / 2.0)
    assert scale.inverse_std(np.array([middle]), np.array([high - middle]))[0] == pytest.approx(10.0)
    assert math.isnan(scale.forward_std(np.array([20.0]), np.array([math.nan]))[0])


def test_beyond_the_best_value_predictions_go_on() -> None:
    scale = rank_scale(np.array([0.1, 0.5, 0.6, 0.9]), "maximize")
    assert scale.inverse(np.array([4.0]))[0] > 0.9
    assert scale.inverse(np.array([-4.0]))[0] < 0.1
