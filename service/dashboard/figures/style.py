"""How all plots look. Text, grid and backgrounds take their colours from the page's style sheet, so that they follow its theme.

Figures are the plain dictionaries that the browser gets: Plotly's own classes would look at each of their values first, which takes
longer than everything else about a page.
"""

from collections.abc import Mapping
from typing import Any

from service.dashboard.wording import plural

Figure = dict[str, Any]
"""`data`, a list of traces, and `layout`, as Plotly's reference names their parts."""

BLUE, SKY, ORANGE, VERMILION, GREEN, PURPLE, GREY = "#0072b2", "#56b4e9", "#e69f00", "#d55e00", "#009e73", "#cc79a7", "#8a9099"
"""Okabe & Ito, "Color universal design" (2008), and a grey that shows on light and on dark pages."""

SOURCES: Mapping[str, tuple[str, str]] = {
    "initial": (ORANGE, "square"),
    "acquisition": (BLUE, "circle"),
    "enqueued": (GREEN, "diamond"),
    "extrapolation": (PURPLE, "triangle-up"),
    "fallback": (VERMILION, "x"),
}
"""Of each source of trials its colour and its symbol: who does not tell the colours apart tells the symbols."""

LINES = (BLUE, ORANGE, GREEN, PURPLE, VERMILION, SKY)
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SCALE = [[0.0, "#0b3c5d"], [0.25, "#0072b2"], [0.5, "#56b4e9"], [0.75, "#f0b43c"], [1.0, "#f0e442"]]
"""From dark blue to yellow: its lightness alone tells the order."""

_AXIS: Mapping[str, Any] = {
    "gridcolor": "rgba(138,144,153,.25)",
    "zeroline": False,
    "linecolor": "rgba(138,144,153,.5)",
    "ticks": "outside",
    "ticklen": 4,
    "tickcolor": "rgba(138,144,153,.5)",
    "title": {"standoff": 10},
}


def blank(x_title: str, y_title: str, height: int = 320) -> Figure:
    """Axes with their titles and nothing between them."""
    layout = {
        "height": height,
        "margin": {"l": 66, "r": 14, "t": 34, "b": 52},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, -apple-system, 'Segoe UI', sans-serif", "size": 12, "color": GREY},
        "xaxis": {**_AXIS, "title": {"text": x_title, "standoff": 10}},
        "yaxis": {**_AXIS, "title": {"text": y_title, "standoff": 10}},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "title": {"text": ""}},
        "hoverlabel": {"font": {"size": 12}, "align": "left"},
        "uirevision": "kept",
        "hovermode": "closest",
        "modebar": {"bgcolor": "rgba(0,0,0,0)"},
    }
    return {"data": [], "layout": layout}


def empty(x_title: str, y_title: str, reason: str, height: int = 320) -> Figure:
    """A plot that has nothing to show yet, and says why."""
    figure = blank(x_title, y_title, height)
    for axis in ("xaxis", "yaxis"):
        figure["layout"][axis] |= {"showticklabels": False, "ticks": "", "showgrid": False}
    note = {"text": reason, "x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper", "showarrow": False, "font": {"size": 13}}
    figure["layout"]["annotations"] = [note]
    return figure


def spread_caption(shown: int, step: int, size: int) -> str:
    """Which of a study's trials a plot shows."""
    if not shown:
        return "No trial is completed yet."
    if step == 1:
        return f"All {plural(shown, 'completed trial')}."
    return f"An even spread of {plural(shown, 'completed trial')}: every {step}th of {size:,}."
