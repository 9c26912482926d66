"""Values, predictions and their calibration as figures, against what is known of them by arithmetic."""

from datetime import UTC, datetime, timedelta
from statistics import NormalDist

import numpy as np
import plotly.graph_objects as go
import pytest

from service.dashboard.figures.results import (
    LEVELS,
    calibration,
    coverage_plot,
    predicted,
    predicted_against_observed,
    values_over_time,
)
from service.dashboard.figures.style import SOURCES
from service.storage.overview import Result

START = datetime(2026, 1, 1, tzinfo=UTC)


def result(number: int, value: float, source: str = "acquisition", mean: float | None = None, std: float | None = None) -> Result:
    return Result(f"t{number}", number, source, value, None, mean, std, START + timedelta(seconds=number))


def drawn(size: int, claimed: float, seed: int = 0) -> list[Result]:
    """Values from a standard normal around their predictions, which claim another standard deviation."""
    noise = np.random.default_rng(seed).standard_normal(size).tolist()
    return [result(place, 5.0 + each, mean=5.0, std=claimed) for place, each in enumerate(noise)]


def test_each_source_is_a_trace_of_its_own_colour_and_symbol() -> None:
    results = [result(1, 0.1, "initial"), result(2, 0.2), result(3, 0.3, "initial"), result(4, 0.4, "enqueued")]
    figure = go.Figure(values_over_time(results, "accuracy"))
    assert {trace.name: len(trace.x) for trace in figure.data} == {"initial": 2, "acquisition": 1, "enqueued": 1}
    assert len({(trace.marker.color, trace.marker.symbol) for trace in figure.data}) == 3
    assert figure.layout.yaxis.title.text == "accuracy"
    assert [list(each) for trace in figure.data if trace.name == "initial" for each in trace.customdata] == [["t1", 1], ["t3", 3]]


def test_all_sources_differ_in_symbol_for_who_does_not_see_colours() -> None:
    assert len({symbol for _, symbol in SOURCES.values()}) == len(SOURCES)


def test_without_results_a_figure_says_so() -> None:
    for figure in (
        go.Figure(values_over_time([], "value")),
        go.Figure(predicted_against_observed([], "value")),
        go.Figure(coverage_plot(None)),
    ):
        assert not figure.data
        assert figure.layout.annotations[0].text
    assert calibration([]) is None


def test_only_what_was_predicted_is_compared() -> None:
    results = [result(1, 0.5), result(2, 0.7, mean=0.6, std=0.1), result(3, 0.8, mean=0.9)]
    assert [each.number for each in predicted(results)] == [2]
    figure = go.Figure(predicted_against_observed(results, "value"))
    points = figure.data[-1]
    assert (list(points.x), list(points.y)) == ([0.7], [0.6])
    bars = figure.data[1]
    assert list(bars.x[:2]) == [0.7, 0.7]
    assert list(bars.y[:2]) == pytest.approx([0.5, 0.7])


def test_the_coverage_of_right_predictions_is_the_nominal_one() -> None:
    found = calibration(drawn(4000, claimed=1.0))
    assert found is not None
    assert found.coverage == pytest.approx(LEVELS, abs=0.03)
    inside = [low <= share <= high for low, share, high in zip(found.low, found.coverage, found.high, strict=True)]
    assert sum(inside) >= 15


@pytest.mark.parametrize("claimed", [0.5, 2.0])
def test_the_coverage_of_predictions_that_claim_another_deviation_is_as_the_normal_distribution_says(claimed: float) -> None:
    found = calibration(drawn(4000, claimed))
    assert found is not None
    normal = NormalDist()
    expected = [2 * normal.cdf(claimed * normal.inv_cdf((1 + level) / 2)) - 1 for level in LEVELS]
    assert found.coverage == pytest.approx(expected, abs=0.03)
    assert (found.coverage[9] < found.low[9]) == (claimed < 1)
    assert (found.coverage[9] > found.high[9]) == (claimed > 1)


def test_the_band_of_chance_narrows_with_the_root_of_the_number() -> None:
    few, many = calibration(drawn(100, 1.0)), calibration(drawn(400, 1.0))
    assert few is not None
    assert many is not None
    assert (few.high[9] - few.low[9]) / (many.high[9] - many.low[9]) == pytest.approx(2.0)
