"""Whether a trial should stop early, judged from its intermediate values and those of others: pure functions, no storage.

The median stopping rule is that of Golovin et al., "Google Vizier: A Service for Black-Box Optimization" (2017), section 3.2.2.
ASHA is that of Li et al., "A System for Massively Parallel Hyperparameter Tuning" (2020), with trials that stop where theirs pause.
Taking values in, and finding those of others, is `progress.py`.
"""

import math
import statistics
from collections.abc import Sequence

from models.search.proposal import Direction
from service.storage.values import AshaRule, MedianRule, Point, StoppingRule

_ROUNDING = 1e-12


def following(before: Point | None, step: int, value: float, direction: Direction, rule: StoppingRule | None) -> Point:
    """The point of a value reported after a step; `before` is the point of the same attempt at the latest step before it."""
    rung = rung_below(rule, step) if isinstance(rule, AshaRule) else None
    if before is None:
        return Point(step, value, 1, value, value, rung)
    if isinstance(rule, AshaRule) and rung == rung_below(rule, before.step):
        rung = None
    reports = before.reports + 1
    # In this form the mean is never outside of the values, not even by rounding, and does not overflow.
    mean = before.mean + (value / reports - before.mean / reports)
    best = before.best if _is_better(before.best, value, direction) else value
    return Point(step, value, reports, mean, best, rung)


def rung_below(rule: AshaRule, step: int) -> int | None:
    """The largest rung, `min_step * reduction_factor**k`, that is at most `step`; None before the first."""
    if step < rule.min_step:
        return None
    rung = rule.min_step
    while rung * rule.reduction_factor <= step:
        rung *= rule.reduction_factor
    return rung


def median_advice(rule: MedianRule, direction: Direction, point: Point, averages: Sequence[float]) -> str | None:
    """Why to stop, None to go on: the trial's best value so far is strictly worse than the median of `averages`.

    These are the running averages up to the same step of the other trials that reported at it. The paper takes the completed ones;
    here trials that still run or were stopped count as well, so that the rule works from the start and does not become stricter
    because only good trials are completed.
    """
    if point.step < rule.min_step or _is_over(rule, point) or len(averages) < rule.min_trials:
        return None
    median = statistics.median(averages)
    # Averages carry rounding errors, which must not make a tie a reason.
    if not _is_better(median, point.best, direction) or math.isclose(median, point.best, rel_tol=_ROUNDING):
        return None
    best, middle = _told_apart(point.best, median)
    side = "below" if direction == "maximize" else "above"
    value = f"the best value so far, {best}," if point.reports > 1 else best
    return f"step {point.step}: {value} is {side} the median {middle} of {len(averages)} trials"


def asha_advice(rule: AshaRule, direction: Direction, point: Point, others: Sequence[float]) -> str | None:
    """Why to stop, None to go on: the trial has reached a rung and is not among the best 1/eta of the values recorded there so far.

    `others` are those of other trials; the best of all goes on however few there are, and so do its equals.
    """
    if point.rung is None or _is_over(rule, point):
        return None
    total = len(others) + 1
    kept = max(1, total // rule.reduction_factor)
    if sum(_is_better(other, point.value, direction) for other in others) < kept:
        return None
    which = "the best" if kept == 1 else f"among the best {kept}"
    return f"step {point.step}: {point.value:.6g} is not {which} of {total} values at rung {point.rung}"


def _is_over(rule: StoppingRule, point: Point) -> bool:
    return rule.max_step is not None and point.step >= rule.max_step


def _is_better(value: float, than: float, direction: Direction) -> bool:
    return value > than if direction == "maximize" else value < than


def _told_apart(first: float, second: float) -> tuple[str, str]:
    """Two different numbers in as few digits as show the difference, but at least four."""
    digits = next(digits for digits in range(4, 18) if digits == 17 or f"{first:.{digits}g}" != f"{second:.{digits}g}")
    return f"{first:.{digits}g}", f"{second:.{digits}g}"
