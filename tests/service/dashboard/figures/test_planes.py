"""The plane of the latent space and the trade-offs as figures."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import plotly.graph_objects as go
import pytest

from models.search.proposal import Prediction
from models.spaces.registry import get_space
from service.dashboard.figures.plane import Mark, drawn_marks, latent_plane
from service.dashboard.figures.trade_offs import axis_title, front_plot
from service.storage.fronts import Member
from service.storage.values import NamedObjective, Origin, Trial, TrialState
from service.studies.latent_map import LatentMap, Placed, placed_near
from service.studies.pareto import TradeOffs
from service.workers.worker import Encoding

SPACE = get_space("nasbench201")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ACCURACY, LATENCY = NamedObjective("accuracy", "maximize"), NamedObjective("latency_ms", "minimize")


def trial(number: int, value: float | None, **values: float) -> Trial:
    architecture = SPACE.sample(np.random.default_rng(number))
    state = TrialState.RUNNING if value is None else TrialState.COMPLETED
    fields = ("demo", number, state, 1, "w", None, architecture, str(number), Origin("initial"), "hash", value, values or None)
    return Trial(f"t{number}", *fields, None, None, 1, NOW, NOW)


def latent_map(*trials: Trial) -> LatentMap:
    graph = SPACE.sample(np.random.default_rng(9))
    encoding = Encoding(graph, "x", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    sample = [Placed(encoding, (float(place), 2.0), Prediction(0.1 * place, 0.5, -1.0)) for place in range(3)]
    places = [(float(each.number), 0.0) for each in trials]
    return LatentMap(SPACE, list(zip(trials, places, strict=True)), [(0.0, 0.0, 0.0)] * len(trials), sample, (0.5, 0.25))


def by_name(figure) -> dict:  # noqa: ANN001
    return {trace.name: trace for trace in figure.data if trace.type == "scatter"}


def test_trials_have_the_colours_of_their_values_and_rings_without_one() -> None:
    figure = go.Figure(latent_plane(latent_map(trial(1, 0.9), trial(2, None), trial(3, 0.7)), "value", "accuracy"))
    traces = by_name(figure)
    assert list(traces["trials"].marker.color) == [0.9, 0.7]
    assert traces["trials"].marker.colorbar.title.text == "accuracy"
    assert [list(each)[:2] for each in traces["trials without a value"].customdata] == [["trial", "t2"]]


@pytest.mark.parametrize(("shade", "expected"), [("mean", [0.0, 0.1, 0.2]), ("std", [0.5] * 3), ("acquisition_value", [-1.0] * 3)])
def test_the_sample_has_the_colours_of_what_is_expected_of_it(shade, expected) -> None:  # noqa: ANN001
    traces = by_name(go.Figure(latent_plane(latent_map(trial(1, 0.9)), shade, "accuracy")))
    assert list(traces["sample of the space"].marker.color) == pytest.approx(expected)


def test_without_predictions_the_sample_has_one_colour() -> None:
    found = latent_map(trial(1, 0.9))
    found = replace(found, sample=[replace(each, prediction=None) for each in found.sample])
    assert isinstance(by_name(go.Figure(latent_plane(found, "mean", "accuracy")))["sample of the space"].marker.color, str)


def test_every_place_between_the_points_can_be_clicked() -> None:
    figure = go.Figure(latent_plane(latent_map(trial(1, 0.9), trial(8, 0.9)), "value", "accuracy"))
    (ground,) = [trace for trace in figure.data if trace.type == "heatmap"]
    assert min(ground.x) < 0.0 < 8.0 < max(ground.x)
    assert min(ground.y) < 0.0 < 2.0 < max(ground.y)


def test_the_axes_say_how_much_they_explain_and_marks_where_they_are() -> None:
    figure = go.Figure(latent_plane(latent_map(), "value", "accuracy")).update_layout(drawn_marks([Mark("A", (1.0, 2.0))], True))
    assert "50% of the variance" in figure.layout.xaxis.title.text
    assert "25% of the variance" in figure.layout.yaxis.title.text
    (mark,) = figure.layout.annotations
    assert (mark.x, mark.y, mark.text) == (1.0, 2.0, "<b>A</b>")


def test_a_line_leads_from_one_mark_to_the_other() -> None:
    marks = [Mark("A", (1.0, 2.0)), Mark("B", (3.0, 5.0))]
    (line,) = go.Layout(drawn_marks(marks, True)).shapes
    assert (line.x0, line.y0, line.x1, line.y1) == (1.0, 2.0, 3.0, 5.0)
    assert not drawn_marks(marks, False)["shapes"]
    assert not drawn_marks(marks[:1], True)["shapes"]


@pytest.mark.parametrize(("place", "expected"), [((1.02, 0.01), (1.0, 0.0)), ((2.0, 1.99), (2.0, 2.0)), ((1.5, 1.0), None)])
def test_who_points_beside_something_means_it(place, expected) -> None:  # noqa: ANN001
    found = placed_near(latent_map(trial(1, 0.9), trial(4, 0.9)), place, 0.05)
    assert (found and found[0]) == expected


def test_on_an_empty_plane_nothing_is_near() -> None:
    assert placed_near(replace(latent_map(), sample=[]), (0.0, 0.0), 1.0) is None


def test_the_front_stands_out_from_what_it_dominates() -> None:
    best, others = [Member("t1", 1, (0.9, 5.0)), Member("t2", 2, (0.8, 1.0))], [Member("t3", 3, (0.7, 6.0))]
    figure = go.Figure(front_plot(TradeOffs([ACCURACY, LATENCY], best, others)))
    dominated, front = figure.data
    assert (list(dominated.x), list(dominated.y)) == ([6.0], [0.7])
    assert (list(front.x), list(front.y)) == ([1.0, 5.0], [0.8, 0.9])
    assert figure.layout.xaxis.title.text == "latency ms (less is better)"
    assert figure.layout.yaxis.title.text == "accuracy (more is better)"


def test_a_third_objective_is_a_colour() -> None:
    parameters = NamedObjective("parameters", "minimize")
    figure = go.Figure(front_plot(TradeOffs([ACCURACY, LATENCY, parameters], [Member("t1", 1, (0.9, 5.0, 7.0))], [])))
    assert list(figure.data[-1].marker.color) == [7.0]
    assert figure.data[-1].marker.colorbar.title.text == axis_title(parameters)
