import math
import statistics
from collections.abc import Sequence
from typing import Literal

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from service.storage.values import AshaRule, MedianRule, Point, StoppingRule
from service.studies.stopping import asha_advice, following, median_advice, rung_below
from tests.service.studies.stopping_oracle import Oracle

Direction = Literal["maximize", "minimize"]

VALUES = st.floats(-1e6, 1e6).map(lambda value: round(value, 3))
CURVES = st.integers(1, 6).flatmap(
    lambda length: st.lists(st.lists(VALUES, min_size=length, max_size=length), min_size=1, max_size=9)
)
DIRECTIONS: st.SearchStrategy[Direction] = st.sampled_from(["maximize", "minimize"])
RULES = st.builds(MedianRule, st.integers(1, 3), st.integers(1, 4)) | st.builds(AshaRule, st.integers(1, 3), st.integers(2, 4))


def points(curve: Sequence[float], rule: StoppingRule | None, direction: Direction = "maximize") -> list[Point]:
    """The points of a trial that reports at steps 1, 2, 3, …"""
    found: list[Point] = []
    for step, value in enumerate(curve, start=1):
        found.append(following(found[-1] if found else None, step, value, direction, rule))
    return found


def advice(rule: StoppingRule, curves: Sequence[Sequence[float]], direction: Direction = "maximize") -> str | None:
    """What the first trial is told at its last step, when all have reported as many."""
    mine, *others = [points(curve, rule, direction)[-1] for curve in curves]
    if isinstance(rule, MedianRule):
        return median_advice(rule, direction, mine, [point.mean for point in others])
    return asha_advice(rule, direction, mine, [point.value for point in others if point.rung is not None])


def is_close_call(rule: StoppingRule, curves: Sequence[Sequence[float]]) -> bool:
    """Whether rounding may decide."""
    averages = [statistics.fmean(curve) for curve in curves[1:]]
    if not averages or isinstance(rule, AshaRule):
        return False
    return any(math.isclose(best, statistics.median(averages), abs_tol=1e-6) for best in (max(curves[0]), min(curves[0])))


def test_the_median_rule_on_a_case_computed_by_hand() -> None:
    others = [[0.1, 0.3], [0.2, 0.4], [0.5, 0.7]]  # running averages 0.2, 0.3, 0.6
    rule = MedianRule(min_trials=3)
    assert advice(rule, [[0.25, 0.2], *others]) == "step 2: the best value so far, 0.25, is below the median 0.3 of 3 trials"
    assert advice(rule, [[0.2, 0.31], *others]) is None
    assert advice(rule, [[0.3, 0.1], *others]) is None  # strictly worse is what stops
    assert advice(MedianRule(min_trials=4), [[0.0, 0.0], *others]) is None
    assert advice(MedianRule(min_trials=3, min_step=3), [[0.0, 0.0], *others]) is None
    assert advice(MedianRule(min_trials=3, max_step=2), [[0.0, 0.0], *others]) is None
    assert advice(rule, [[0.9], *[curve[:1] for curve in others]], "minimize") == "step 1: 0.9 is above the median 0.2 of 3 trials"


def test_asha_on_a_case_computed_by_hand() -> None:
    arrivals = [(0.5, True), (0.6, True), (0.4, False), (0.55, False), (0.7, True), (0.6, True), (0.59, False)]
    rule, heard = AshaRule(), list[float]()
    for value, goes_on in arrivals:
        told = asha_advice(rule, "maximize", following(None, 1, value, "maximize", rule), heard)
        assert (told is None) == goes_on, (value, told)
        heard.append(value)
    assert told == "step 1: 0.59 is not among the best 2 of 7 values at rung 1"
    assert asha_advice(AshaRule(max_step=1), "maximize", following(None, 1, 0.0, "maximize", rule), heard) is None


def test_rungs_lie_a_factor_apart_and_each_is_reached_once() -> None:
    rule = AshaRule(min_step=2, reduction_factor=3)
    assert [rung_below(rule, step) for step in (1, 2, 5, 6, 17, 18, 53, 54)] == [None, 2, 2, 6, 6, 18, 18, 54]
    assert [point.rung for point in points([0.0] * 19, rule)] == [None, 2, *[None] * 3, 6, *[None] * 11, 18, None]
    assert [point.rung for point in points([0.0] * 19, MedianRule())] == [None] * 19
    late = following(None, 60, 0.5, "maximize", rule)
    assert (late.rung, following(late, 61, 0.5, "maximize", rule).rung) == (54, None)


def test_numbers_that_differ_look_different_in_the_reason() -> None:
    told = advice(MedianRule(min_trials=1), [[0.123456], [0.1234561]])
    assert told == "step 1: 0.123456 is below the median 0.1234561 of 1 trials"


@given(st.lists(st.floats(-1e308, 1e308), min_size=1, max_size=12), DIRECTIONS)
@example([5e-324, 0.0], "maximize")  # half of it rounds to all of it or to nothing
def test_what_is_kept_with_a_value_sums_up_those_before_it(values: list[float], direction: Direction) -> None:
    last = points(values, None, direction)[-1]
    assert (last.step, last.value, last.reports) == (len(values), values[-1], len(values))
    assert last.best == (max(values) if direction == "maximize" else min(values))
    assert min(values) <= last.mean <= max(values)
    exact = math.fsum(value / len(values) for value in values)
    assert math.isclose(last.mean, exact, rel_tol=1e-9, abs_tol=max(1e-12 * max(map(abs, values)), 1e-300))


@given(RULES, CURVES, DIRECTIONS)
def test_the_best_so_far_and_its_equals_go_on(rule: StoppingRule, curves: list[list[float]], direction: Direction) -> None:
    best = max if direction == "maximize" else min
    values = [best(curve) for curve in curves] if isinstance(rule, MedianRule) else [curve[-1] for curve in curves]
    for place, value in enumerate(values):
        if value == best(values):
            assert advice(rule, [curves[place], *curves[:place], *curves[place + 1 :]], direction) is None


@given(RULES, CURVES)
def test_advice_is_that_of_the_definitions(rule: StoppingRule, curves: list[list[float]]) -> None:
    assume(not is_close_call(rule, curves))
    parameters = {"min_trials": rule.min_trials} if isinstance(rule, MedianRule) else {"reduction_factor": rule.reduction_factor}
    oracle = Oracle(rule.rule, min_step=rule.min_step, **parameters)
    for step in range(1, len(curves[0]) + 1):
        for trial in reversed(range(len(curves))):  # the first is heard when all others have reported
            told = oracle.hear(str(trial), step, curves[trial][step - 1])
    assert (advice(rule, curves) is not None) == told


@given(RULES, CURVES, DIRECTIONS, st.floats(0.01, 100.0), st.floats(-100.0, 100.0))
def test_unit_and_origin_of_the_values_do_not_matter(
    rule: StoppingRule, curves: list[list[float]], direction: Direction, slope: float, offset: float
) -> None:
    moved = [[slope * value + offset for value in curve] for curve in curves]
    assume(not is_close_call(rule, curves))
    assume(len({value for curve in curves for value in curve}) == len({value for curve in moved for value in curve}))
    assert (advice(rule, curves, direction) is None) == (advice(rule, moved, direction) is None)


@given(RULES, CURVES)
def test_to_minimise_is_to_maximise_the_negative(rule: StoppingRule, curves: list[list[float]]) -> None:
    negative = [[-value for value in curve] for curve in curves]
    assert (advice(rule, curves, "minimize") is None) == (advice(rule, negative, "maximize") is None)


@given(RULES, CURVES, st.floats(0.001, 100.0))
def test_a_worse_trial_is_not_spared_what_a_better_one_is_told(rule: StoppingRule, curves: list[list[float]], less: float) -> None:
    worse = [[value - less for value in curves[0]], *curves[1:]]
    if advice(rule, curves) is not None:
        assert advice(rule, worse) is not None


@pytest.mark.parametrize("rule", [MedianRule(min_trials=1), AshaRule()])
def test_equal_values_stop_nobody(rule: StoppingRule) -> None:
    for length in range(1, 30):
        assert advice(rule, [[0.1] * length] * 7) is None
