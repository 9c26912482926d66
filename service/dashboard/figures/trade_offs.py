"""Several objectives against each other: all trials, and those that none dominates."""

from collections.abc import Sequence
from typing import Any

from service.dashboard.figures.style import GREY, SCALE, VERMILION, Figure, blank, empty
from service.storage.fronts import Member
from service.storage.values import NamedObjective
from service.studies.pareto import TradeOffs


def front_plot(found: TradeOffs) -> Figure:
    """The second objective against the first, the third as colour where there is one; the front is joined by a line."""
    first, second, *third = found.objectives
    x_title, y_title = axis_title(second), axis_title(first)
    if not found.best:
        return empty(x_title, y_title, "No trial is completed yet.")
    figure = blank(x_title, y_title, height=360)
    ordered = sorted(found.best, key=lambda member: member.outcomes[1])
    marker: dict[str, Any] = {"color": VERMILION, "size": 9, "symbol": "diamond"}
    joined: dict[str, Any] = {
        "mode": "lines+markers",
        "line": {"color": VERMILION, "width": 1.5, "shape": _corner(second)},
    }
    if third:
        shades = [member.outcomes[2] for member in ordered]
        marker |= {"color": shades, "colorscale": SCALE, "colorbar": {"title": {"text": axis_title(third[0])}, "thickness": 12}}
        joined = {}
    figure["data"] = [
        _points(found.others, "dominated", {"color": GREY, "size": 5, "opacity": 0.55}),
        _points(ordered, "best trade-offs", marker) | joined,
    ]
    return figure


def axis_title(objective: NamedObjective) -> str:
    word = "more" if objective.direction == "maximize" else "less"
    return f"{objective.name.replace('_', ' ')} ({word} is better)"


def _points(members: Sequence[Member], name: str, marker: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "x": [member.outcomes[1] for member in members],
        "y": [member.outcomes[0] for member in members],
        "customdata": [[member.trial_id, member.number] for member in members],
        "mode": "markers",
        "name": name,
        "marker": marker,
        "hovertemplate": "%{y:.5g}, %{x:.5g}<br>trial %{customdata[1]}<extra>%{fullData.name}</extra>",
    }


def _corner(second: NamedObjective) -> str:
    """How the steps of the front turn, so that they bound what is dominated."""
    return "hv" if second.direction == "minimize" else "vh"
