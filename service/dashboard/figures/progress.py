"""The values of a trial while it is being trained."""

from collections.abc import Sequence
from itertools import groupby

from service.dashboard.figures.style import DASHES, LINES, Figure, blank
from service.storage.values import StoredProgress


def training_curves(points: Sequence[StoredProgress], value_name: str) -> Figure:
    """A line for each attempt; `points` are in order of attempt and step."""
    figure = blank("step", value_name, height=260)
    for place, (attempt, group) in enumerate(groupby(points, key=lambda point: point.attempt)):
        line = list(group)
        figure["data"].append(
            {
                "type": "scatter",
                "x": [point.step for point in line],
                "y": [point.value for point in line],
                "mode": "lines+markers" if len(line) < 50 else "lines",
                "name": f"attempt {attempt}",
                "line": {"color": LINES[place % len(LINES)], "dash": DASHES[place % len(DASHES)], "width": 2},
                "hovertemplate": "%{y:.5g} after step %{x:,}<extra>%{fullData.name}</extra>",
            }
        )
    figure["layout"]["showlegend"] = len(figure["data"]) > 1
    return figure
