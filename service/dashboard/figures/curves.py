"""Curves of the best value so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from service.dashboard.figures.style import DASHES, GREY, LINES, Figure, blank, empty
from service.studies.curve import Curve

_X = "completed trials"


@dataclass(frozen=True, slots=True)
class NamedCurve:
    """The curve of a study; a `reference` is drawn in grey behind the others."""

    name: str
    curve: Curve
    reference: bool = False


def best_so_far(curves: Sequence[NamedCurve], value_name: str) -> Figure:
    """Steps that rise (or fall) at each improvement and go on to the last completed trial; a click on a step means its trial."""
    title = f"best {value_name} so far"
    drawn = [named for named in curves if named.curve.improvements]
    if not drawn:
        return empty(_X, title, "No trial is completed yet.")
    figure = blank(_X, title)
    ordered = sorted(drawn, key=lambda each: not each.reference)
    references = sum(each.reference for each in drawn)
    for place, named in enumerate(ordered, start=-references):
        figure["data"].append(_steps(named, max(place, 0), len(drawn) > 1))
    figure["layout"]["xaxis"]["rangemode"] = "tozero"
    return figure


def _steps(named: NamedCurve, place: int, show: bool) -> dict[str, Any]:
    improvements, evaluations = named.curve.improvements, named.curve.evaluations
    x = [each.evaluations for each in improvements]
    y = [each.value for each in improvements]
    trials = [[each.trial, each.number] for each in improvements]
    if evaluations > x[-1]:
        x, y, trials = [*x, evaluations], [*y, y[-1]], [*trials, trials[-1]]
    line = {"color": GREY, "width": 1.8, "dash": "dot"} if named.reference else _line(place)
    return {
        "type": "scatter",
        "x": x,
        "y": y,
        "customdata": trials,
        "mode": "lines+markers" if len(x) < 60 and not named.reference else "lines",
        "line": {**line, "shape": "hv"},
        "marker": {"size": 5},
        "name": f"{named.name} (random)" if named.reference else named.name,
        "showlegend": show,
        "hovertemplate": "%{y:.5g} after %{x:,} trials<br>trial %{customdata[1]}<extra>%{fullData.name}</extra>",
    }


def _line(place: int) -> dict[str, Any]:
    return {"color": LINES[place % len(LINES)], "width": 2.2, "dash": DASHES[place // len(LINES) % len(DASHES)]}
