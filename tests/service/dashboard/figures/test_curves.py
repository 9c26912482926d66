"""Curves of the best value as figures. Plotly's own class refuses what its reference does not have."""

from datetime import UTC, datetime

import plotly.graph_objects as go

from service.dashboard.figures.curves import NamedCurve, best_so_far
from service.dashboard.figures.style import GREY
from service.storage.curves import Improvement
from service.studies.curve import Curve

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def curve(*steps: tuple[int, float], evaluations: int) -> Curve:
    return Curve([Improvement(f"t{count}", count, count, value, NOW) for count, value in steps], evaluations)


def test_a_curve_holds_between_improvements_and_goes_on_to_the_last_trial() -> None:
    figure = go.Figure(best_so_far([NamedCurve("demo", curve((1, 0.5), (4, 0.7), evaluations=10))], "accuracy"))
    (line,) = figure.data
    assert (list(line.x), list(line.y)) == ([1, 4, 10], [0.5, 0.7, 0.7])
    assert line.line.shape == "hv"
    assert [each[0] for each in line.customdata] == ["t1", "t4", "t4"], "a click leads to the trial that was the best then"
    assert figure.layout.yaxis.title.text == "best accuracy so far"
    assert figure.layout.xaxis.title.text == "completed trials"


def test_an_improvement_by_the_last_trial_is_not_drawn_twice() -> None:
    figure = go.Figure(best_so_far([NamedCurve("demo", curve((1, 0.5), (4, 0.7), evaluations=4))], "value"))
    assert list(figure.data[0].x) == [1, 4]


def test_references_are_grey_and_behind() -> None:
    one, other = curve((1, 0.5), evaluations=3), curve((1, 0.4), evaluations=3)
    figure = go.Figure(best_so_far([NamedCurve("demo", one), NamedCurve("chance", other, reference=True)], "value"))
    assert [trace.name for trace in figure.data] == ["chance (random)", "demo"]
    assert figure.data[0].line.color == GREY
    assert figure.data[1].line.color == go.Figure(best_so_far([NamedCurve("demo", one)], "value")).data[0].line.color, (
        "it keeps its own"
    )


def test_many_curves_differ_in_colour_or_dash() -> None:
    figure = go.Figure(best_so_far([NamedCurve(str(place), curve((1, 0.5), evaluations=2)) for place in range(12)], "value"))
    assert len({(trace.line.color, trace.line.dash) for trace in figure.data}) == 12


def test_a_study_without_completed_trials_has_a_reason_in_place_of_a_curve() -> None:
    figure = go.Figure(best_so_far([NamedCurve("demo", Curve([], 0))], "value"))
    assert not figure.data
    assert "No trial" in figure.layout.annotations[0].text
