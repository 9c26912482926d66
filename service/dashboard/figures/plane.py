"""The plane of a study's latent space: its trials, and a sample of what else there is."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from service.dashboard.figures.style import GREY, SCALE, VERMILION, Figure, blank
from service.storage.values import Trial
from service.studies.latent_map import LatentMap, Placed

Shade = Literal["value", "mean", "std", "acquisition_value"]
SHADES: Sequence[tuple[str, Shade]] = (
    ("observed value", "value"),
    ("posterior mean", "mean"),
    ("uncertainty (standard deviation)", "std"),
    ("log expected improvement", "acquisition_value"),
)
Drag = Literal["zoom", "drawline"]
DRAG_MODES: Sequence[tuple[str, Drag]] = (("zooms", "zoom"), ("draws a line from A to B", "drawline"))
HEIGHT = 520
_LINE = {"color": VERMILION, "width": 2, "dash": "dot"}
_CELLS = 48
_MARGIN = 0.08


class Mark(NamedTuple):
    """A point that somebody chose, by its letter."""

    letter: str
    place: tuple[float, float]


def latent_plane(found: LatentMap, shade: Shade, value_name: str) -> Figure:
    """Every place can be clicked: trials and sampled architectures stand for themselves, what lies between for its coordinates."""
    first, second = _axis_titles(found.explained)
    figure = blank(first, second, HEIGHT)
    figure["data"] = [_ground(found), _sample(found.sample, shade), *_trials(found, shade, value_name)]
    figure["layout"]["newshape"] = {"line": _LINE}
    figure["layout"]["uirevision"] = first  # what was zoomed into in one plane is nowhere in another
    figure["layout"]["yaxis"]["scaleanchor"] = "x"
    return figure


def drawn_marks(marks: Sequence[Mark], with_line: bool) -> Mapping[str, list[dict[str, Any]]]:
    """The parts of a layout that show chosen points and, where there are two, the line between them."""
    line = [_line(*marks)] if with_line and len(marks) == len("AB") else []
    return {"annotations": [_annotation(mark) for mark in marks], "shapes": line}


def _axis_titles(explained: tuple[float, float] | None) -> tuple[str, str]:
    if explained is None:
        return "first axis of UMAP", "second axis of UMAP"
    first, second = (f"{share:.0%} of the variance" for share in explained)
    return f"first latent axis ({first})", f"second latent axis ({second})"


def _annotation(mark: Mark) -> dict[str, Any]:
    x, y = mark.place
    arrow = {"showarrow": True, "arrowcolor": VERMILION, "arrowwidth": 2, "ay": -28, "ax": 0}
    return {"x": x, "y": y, "text": f"<b>{mark.letter}</b>", **arrow}


def _line(start: Mark, end: Mark) -> dict[str, Any]:
    (x0, y0), (x1, y1) = start.place, end.place
    return {"type": "line", "x0": x0, "y0": y0, "x1": x1, "y1": y1, "line": _LINE}


def _ground(found: LatentMap) -> dict[str, Any]:
    """An invisible sheet under the points that takes clicks."""
    places = [place for _, place in found.trials] + [each.place for each in found.sample] or [(-1.0, -1.0), (1.0, 1.0)]
    axes = [_ticks([place[axis] for place in places]) for axis in (0, 1)]
    return {
        "type": "heatmap",
        "x": axes[0],
        "y": axes[1],
        "z": [[0] * _CELLS for _ in range(_CELLS)],
        "opacity": 0,
        "showscale": False,
        "hovertemplate": "(%{x:.2f}, %{y:.2f})<br>click to decode<extra></extra>",
        "showlegend": False,
    }


def _ticks(values: Sequence[float]) -> list[float]:
    low, high = min(values), max(values)
    margin = _MARGIN * ((high - low) or 1.0)
    step = (high - low + 2 * margin) / (_CELLS - 1)
    return [low - margin + step * place for place in range(_CELLS)]


def _sample(sample: Sequence[Placed], shade: Shade) -> dict[str, Any]:
    known = shade != "value" and any(each.prediction is not None for each in sample)
    marker: dict[str, Any] = {"size": 4, "color": GREY, "opacity": 0.5}
    notes = ["not tried"] * len(sample)
    if known:
        shades = [None if each.prediction is None else getattr(each.prediction, shade) for each in sample]
        marker = {"size": 7, "color": shades, "colorscale": SCALE, "colorbar": {"thickness": 12, "title": {"text": _title(shade)}}}
        notes = ["" if value is None else f"{_title(shade)} {value:.4g}" for value in shades]
    return {
        "type": "scatter",
        "x": [each.place[0] for each in sample],
        "y": [each.place[1] for each in sample],
        "customdata": [["sample", place, "architecture of the space", note] for place, note in enumerate(notes)],
        "mode": "markers",
        "name": "sample of the space",
        "marker": marker,
        "hoverinfo": "none",
    }


def _trials(found: LatentMap, shade: Shade, value_name: str) -> list[dict[str, Any]]:
    """Those with a value in its colour where that is what colours mean, the others as rings."""
    ring = {"symbol": "circle-open", "size": 8, "line": {"width": 1.5, "color": GREY}, "color": GREY}
    bar = {"thickness": 12, "title": {"text": value_name}}
    edge = {"width": 1, "color": "rgba(255,255,255,.7)"}
    with_value = [(trial, place) for trial, place in found.trials if trial.value is not None]
    if shade != "value" or not with_value:
        return [_points(found.trials, "trials", ring)]
    others = [(trial, place) for trial, place in found.trials if trial.value is None]
    shades = {"size": 9, "color": [trial.value for trial, _ in with_value], "colorscale": SCALE, "colorbar": bar, "line": edge}
    return [_points(others, "trials without a value", ring), _points(with_value, "trials", shades)]


def _points(placed: Sequence[tuple[Trial, tuple[float, float]]], name: str, marker: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "x": [place[0] for _, place in placed],
        "y": [place[1] for _, place in placed],
        "customdata": [["trial", trial.id, f"trial {trial.number}", _note(trial.state.value, trial.value)] for trial, _ in placed],
        "mode": "markers",
        "name": name,
        "marker": marker,
        "hoverinfo": "none",
    }


def _note(state: str, value: float | None) -> str:
    return state if value is None else f"{state}: {value:.5g}"


def _title(shade: Shade) -> str:
    return {"mean": "mean", "std": "std", "acquisition_value": "log EI", "value": "value"}[shade]
