"""Several objectives against each other: all trials, and those that none dominates."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from models.networks.costs.published_cost import published_cost
from service.dashboard.figures.style import GREY, SCALE, VERMILION, blank, empty
from service.storage.values import NamedObjective, Trial


def trade_offs(objectives: Sequence[NamedObjective], front: Sequence[Trial], others: Sequence[Trial]) -> go.Figure:
    """The second objective against the first, the third as colour where there is one; the front is joined by a line."""
    first, second, *third = objectives
    x_title, y_title = axis_title(second), axis_title(first)
    if not front:
        return empty(x_title, y_title, "No trial is completed yet.")
    figure = blank(x_title, y_title, height=360)
    members = {trial.id for trial in front}
    rest = [trial for trial in others if trial.id not in members]
    figure.add_trace(_points(rest, objectives, "dominated", {"color": GREY, "size": 5, "opacity": 0.55}))
    ordered = sorted(front, key=lambda trial: outcome(trial, second))
    marker: dict[str, Any] = {"color": VERMILION, "size": 9, "symbol": "diamond"}
    if third:
        shades = [outcome(trial, third[0]) for trial in ordered]
        marker |= {"color": shades, "colorscale": SCALE, "colorbar": {"title": {"text": axis_title(third[0])}, "thickness": 12}}
    trace = _points(ordered, objectives, "best trade-offs", marker)
    if not third:
        trace.update(mode="lines+markers", line={"color": VERMILION, "width": 1.5, "shape": _corner(second)})
    figure.add_trace(trace)
    return figure


def outcome(trial: Trial, objective: NamedObjective) -> float:
    """The value of an objective: what was observed, or what is counted from the architecture."""
    if objective.cost is not None:
        return float(getattr(published_cost(trial.architecture), objective.cost))
    values = trial.values or {}
    return values[objective.name]


def axis_title(objective: NamedObjective) -> str:
    word = "more" if objective.direction == "maximize" else "less"
    return f"{objective.name.replace('_', ' ')} ({word} is better)"


def _points(trials: Sequence[Trial], objectives: Sequence[NamedObjective], name: str, marker: dict[str, Any]) -> go.Scatter:
    return go.Scatter(
        x=[outcome(trial, objectives[1]) for trial in trials],
        y=[outcome(trial, objectives[0]) for trial in trials],
        customdata=[[trial.id, trial.number] for trial in trials],
        mode="markers",
        name=name,
        marker=marker,
        hovertemplate="%{y:.5g}, %{x:.5g}<br>trial %{customdata[1]}<extra>%{fullData.name}</extra>",
    )


def _corner(second: NamedObjective) -> str:
    """How the steps of the front turn, so that they bound what is dominated."""
    return "hv" if second.direction == "minimize" else "vh"
