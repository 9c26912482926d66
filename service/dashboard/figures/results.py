"""Plots of the values of trials: when they came, what was expected of them, and how sure that was."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from statistics import NormalDist
from typing import Any

from service.dashboard.figures.style import BLUE, GREY, SOURCES, Figure, blank, empty
from service.storage.overview import Result

LEVELS = tuple(level / 100 for level in range(5, 100, 5))
"""The nominal coverages that calibration is looked at."""

_NORMAL = NormalDist()
_BAND = 0.9


@dataclass(frozen=True, slots=True)
class Calibration:
    """Of `size` predictions the share whose central interval of each of the `LEVELS` held the value, and the band in which that
    share would lie nine times of ten if the predictions were right.
    """

    size: int
    coverage: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


def values_over_time(results: Sequence[Result], value_name: str) -> Figure:
    """The value of each trial when it was finished, coloured by where the trial came from."""
    if not results:
        return empty("finished (UTC)", value_name, "No trial is completed yet.")
    figure = blank("finished (UTC)", value_name)
    figure["layout"]["margin"]["b"] = 66  # times have their date below them
    for source, group in _by_source(results):
        colour, symbol = SOURCES.get(source, (GREY, "circle"))
        figure["data"].append(
            {
                "type": "scatter",
                "x": [_time(each.finished_at) for each in group],
                "y": [each.value for each in group],
                "customdata": [[each.trial, each.number] for each in group],
                "mode": "markers",
                "name": source,
                "marker": {"color": colour, "symbol": symbol, "size": 6, "opacity": 0.8},
                "hovertemplate": "%{y:.5g}<br>trial %{customdata[1]}, %{x|%Y-%m-%d %H:%M:%S}<extra>%{fullData.name}</extra>",
            }
        )
    return figure


def predicted_against_observed(results: Sequence[Result], value_name: str) -> Figure:
    """What was expected of each trial before its training, with one standard deviation, against what came out."""
    x_title, y_title = f"observed {value_name}", f"predicted {value_name}"
    known = predicted(results)
    if not known:
        return empty(x_title, y_title, "No completed trial was predicted: the surrogate decides after the initial ones.")
    figure = blank(x_title, y_title)
    low, high = min(each.value for each in known), max(each.value for each in known)
    right = {"x": [low, high], "y": [low, high], "mode": "lines", "line": {"color": GREY, "dash": "dot"}, "hoverinfo": "skip"}
    points = {
        "type": "scatter",
        "x": [each.value for each in known],
        "y": [each.predicted_mean for each in known],
        "customdata": [[each.trial, each.number, each.predicted_std] for each in known],
        "mode": "markers",
        "marker": {"color": BLUE, "size": 6, "opacity": 0.8},
        "hovertemplate": "predicted %{y:.5g} ± %{customdata[2]:.2g}<br>observed %{x:.5g}<br>trial %{customdata[1]}<extra></extra>",
    }
    figure["data"] = [{"type": "scatter", **right}, _deviations(known), points]
    figure["layout"]["showlegend"] = False
    return figure


def calibration(results: Sequence[Result]) -> Calibration | None:
    """How often the predictive intervals held what was observed, at each level; None without predictions."""
    known = predicted(results)
    if not known:
        return None
    distances = [abs(each.value - (each.predicted_mean or 0.0)) / max(each.predicted_std or 0.0, 1e-300) for each in known]
    size = len(known)
    widths = [_NORMAL.inv_cdf((1 + level) / 2) for level in LEVELS]
    coverage = [sum(distance <= width for distance in distances) / size for width in widths]
    spread = [_NORMAL.inv_cdf((1 + _BAND) / 2) * (level * (1 - level) / size) ** 0.5 for level in LEVELS]
    low = [max(0.0, level - width) for level, width in zip(LEVELS, spread, strict=True)]
    return Calibration(size, coverage, low, [min(1.0, level + width) for level, width in zip(LEVELS, spread, strict=True)])


def coverage_plot(found: Calibration | None) -> Figure:
    """The share of values within the predictive intervals against the share that should be."""
    x_title, y_title = "nominal coverage", "observed coverage"
    if found is None:
        return empty(x_title, y_title, "No completed trial was predicted yet.")
    figure = blank(x_title, y_title)
    band = {"fill": "toself", "fillcolor": "rgba(138,144,153,.2)", "line": {"width": 0}, "hoverinfo": "skip", "mode": "lines"}
    chance = {"x": [*LEVELS, *LEVELS[::-1]], "y": [*found.low, *found.high[::-1]], "name": "by chance, 9 of 10", **band}
    right = {
        "x": [0, 1],
        "y": [0, 1],
        "mode": "lines",
        "line": {"color": GREY, "dash": "dot"},
        "name": "right",
        "hoverinfo": "skip",
    }
    observed = {
        "x": list(LEVELS),
        "y": list(found.coverage),
        "mode": "lines+markers",
        "line": {"color": BLUE, "width": 2},
        "marker": {"size": 5},
        "name": "observed",
        "hovertemplate": "%{y:.0%} of the values lie in the %{x:.0%} interval<extra></extra>",
    }
    figure["data"] = [{"type": "scatter", **trace} for trace in (chance, right, observed)]
    figure["layout"]["xaxis"] |= {"range": [0, 1], "tickformat": ".0%"}
    figure["layout"]["yaxis"] |= {"range": [0, 1.02], "tickformat": ".0%"}
    return figure


def predicted(results: Sequence[Result]) -> list[Result]:
    """Those of which something was expected."""
    return [each for each in results if each.predicted_mean is not None and each.predicted_std is not None]


def _deviations(known: Sequence[Result]) -> dict[str, Any]:
    """One standard deviation to either side of each prediction, as one line with gaps: browsers draw it at once."""
    x: list[float | None] = []
    y: list[float | None] = []
    for each in known:
        mean, std = each.predicted_mean or 0.0, each.predicted_std or 0.0
        x += [each.value, each.value, None]
        y += [mean - std, mean + std, None]
    line = {"color": "rgba(0,114,178,.35)", "width": 1}
    return {"type": "scatter", "x": x, "y": y, "mode": "lines", "line": line, "hoverinfo": "skip"}


def _time(moment: datetime) -> str:
    """As Plotly reads times; all of them are UTC."""
    return moment.replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds")


def _by_source(results: Sequence[Result]) -> list[tuple[str, list[Result]]]:
    order = list(SOURCES)
    ordered = sorted(results, key=lambda each: (order.index(each.source) if each.source in order else len(order), each.source))
    return [(source, list(group)) for source, group in groupby(ordered, key=lambda each: each.source)]
