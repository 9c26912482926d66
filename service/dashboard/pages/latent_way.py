"""The way from one point of the latent space to another: two chosen points or a line that is dragged, and the steps between."""

from collections.abc import Mapping
from typing import Any

import anyio.to_thread
from dash import ClientsideFunction, Dash, Input, Output, Patch, State, ctx, dcc, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from models.architectures.architecture import Architecture
from models.architectures.edit_distance import edit_distance
from service.dashboard.figures.plane import DRAG_MODES, Drag, Mark, drawn_marks
from service.dashboard.pages.latent_point import chosen, decode_at, shown_map
from service.dashboard.visit import here
from service.dashboard.widgets import Content, card, choice, drawing, loading, notice
from service.dashboard.wording import plural
from service.studies.latent_map import LatentMap, placed_near, point_at
from service.studies.latents import Sampling, points_between
from service.studies.planes import Projection

_GREEDY = Sampling(1, "greedy", 0)
_STEPS = 10
_WAY = "Draw a line on the map, or make two points the ends A and B, then walk from one to the other."

Ends = Mapping[str, Mapping[str, Any]]
"""By letter, A and B, what `latent_point.chosen` says of an end."""

Line = Mapping[str, Any]
"""The places of A and B, and how far from them what they mean may lie."""


def drag_choice() -> Component:
    return choice("dragging", DRAG_MODES, "zoom", "Dragging")


def panel() -> list[Component]:
    steps = dcc.Input(id="way", type="range", min=0, max=_STEPS, step=1, value=_STEPS // 2, disabled=True)
    slider = html.Div([html.Label("Step from A to B", htmlFor="way"), steps], className="field")
    return [
        card("From A to B", slider, loading(html.Div(notice(_WAY), id="on-the-way"))),
        dcc.Store(id="ends", data={}),
        dcc.Store(id="line"),
    ]


def register(app: Dash) -> None:
    name, plane = State("map-study", "data"), State("shown-plane", "data")
    figure = Output("plane", "figure", allow_duplicate=True)
    ends = (Output("ends", "data"), Output("way", "disabled"))
    makers = (Input("make-A", "n_clicks"), Input("make-B", "n_clicks"))
    app.callback(*ends, *makers, State("chosen", "data"), State("ends", "data"), prevent_initial_call=True)(make_end)
    line, drawn = ClientsideFunction("svge", "drawnLine"), (Output("line", "data"), Input("plane", "relayoutData"))
    app.clientside_callback(line, *drawn, prevent_initial_call=True)
    both = [Output(each.component_id, each.component_property, allow_duplicate=True) for each in ends]
    app.callback(*both, Input("line", "data"), plane, name, prevent_initial_call=True)(end_line)
    app.callback(figure, Input("ends", "data"), plane, prevent_initial_call=True)(show_ends)
    modes = (Input("dragging", "value"), Input("map-caption", "children"))  # each new figure has to be told
    app.callback(figure, *modes, prevent_initial_call=True)(choose_drag)
    walk = (Input("way", "value"), Input("ends", "data"))
    app.callback(Output("on-the-way", "children"), *walk, name, prevent_initial_call=True)(show_step)


def marks(ends: Ends, plane: Projection) -> Mapping[str, Any]:
    """The parts of a plane's layout that show the ends. Only in the plane of principal components the way is a straight line."""
    shown = [Mark(letter, tuple(end["place"])) for letter, end in sorted(ends.items()) if end["plane"] == plane]
    return drawn_marks(shown, plane == "pca")


def show_ends(ends: Ends, plane: Projection) -> Patch:
    """The plane as it is, with these ends."""
    figure = Patch()
    figure["layout"].update(marks(ends, plane))
    return figure


def choose_drag(drag: Drag, _caption: str) -> Patch:
    """The plane as it is, with another use of dragging on it."""
    figure = Patch()
    figure["layout"]["dragmode"] = drag
    return figure


def make_end(_a: int | None, _b: int | None, point: Mapping[str, Any] | None, ends: Ends) -> tuple[dict[str, Any], bool]:
    """The ends of the way with the chosen point as one of them."""
    if point is None or ctx.triggered_id is None:
        raise PreventUpdate
    new = {**ends, ctx.triggered_id.removeprefix("make-"): point}
    return new, len(new) < len("AB")


async def end_line(line: Line | None, plane: Projection, name: str) -> tuple[dict[str, Any], bool]:
    """The ends of a line that was drawn on the plane; one at a trial or an architecture of the space is that itself."""
    if not line:
        raise PreventUpdate
    found = await shown_map(name, plane)
    return {letter: await _end(name, tuple(line[letter]), line["reach"], found, plane) for letter in "AB"}, False


async def _end(name: str, place: tuple[float, float], reach: float, found: LatentMap, plane: Projection) -> dict[str, Any]:
    known = placed_near(found, place, reach)
    return chosen(*known, plane) if known else chosen(place, await point_at(here(), name, place, plane), plane)


async def show_step(value: int | str, ends: Ends, name: str) -> Content:
    """What the point decodes to that lies so many steps on the straight line from A to B."""
    if set(ends) != set("AB"):
        return notice(_WAY)
    step = min(max(int(value), 0), _STEPS)
    line = points_between(tuple(ends["A"]["point"]), tuple(ends["B"]["point"]), _STEPS + 1)
    first, here_now = await decode_at(name, line[0], _GREEDY), await decode_at(name, line[step], _GREEDY)
    if not first or not here_now:
        return notice("Nothing decodes at this point.")
    return await anyio.to_thread.run_sync(_on_the_way, step, first[0].decoding.architecture, here_now[0].decoding.architecture)


def _on_the_way(step: int, start: Architecture, architecture: Architecture) -> Component:
    edits = edit_distance(start, architecture)
    text = f"{step} of {_STEPS} steps from A: {plural(edits, 'edit')} from what A decodes to"
    return html.Div([html.Div(drawing(architecture, text), className="canvas"), html.P(text, className="caption")])
