"""The way from one point of the latent space to another: two chosen points or a line that is dragged, and the steps between."""

from collections.abc import Mapping
from typing import Any

import anyio.to_thread
from dash import Dash, Input, Output, Patch, State, ctx, dcc, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from models.architectures.architecture import Architecture
from models.architectures.edit_distance import edit_distance
from service.dashboard.figures.plane import DRAG_MODES, Drag
from service.dashboard.pages.latent_point import decode_at, shown_map
from service.dashboard.visit import here
from service.dashboard.widgets import Content, card, choice, drawing, loading, notice
from service.dashboard.wording import plural
from service.studies.latent_map import placed_near, point_at
from service.studies.latents import Sampling, points_between
from service.studies.planes import Projection

_GREEDY = Sampling(1, "greedy", 0)
_STEPS = 10
_WAY = "Let dragging walk and draw a line on the map, or make two points the ends A and B; then walk from one to the other."

Ends = Mapping[str, Mapping[str, Any]]
"""By letter, A and B, where an end lies in which plane, and its latent point."""


def drag_choice() -> Component:
    return choice("dragging", DRAG_MODES, "zoom", "Dragging")


def panel() -> list[Component]:
    steps = dcc.Input(id="way", type="range", min=0, max=_STEPS, step=1, value=_STEPS // 2, disabled=True)
    slider = html.Div([html.Label("Step from A to B", htmlFor="way"), steps], className="field")
    return [card("From A to B", slider, loading(html.Div(notice(_WAY), id="on-the-way"))), dcc.Store(id="ends", data={})]


def register(app: Dash) -> None:
    name, projection = State("map-study", "data"), State("projection", "value")
    ends = (Output("ends", "data"), Output("way", "disabled"))
    makers = (Input("make-A", "n_clicks"), Input("make-B", "n_clicks"))
    app.callback(*ends, *makers, State("chosen", "data"), State("ends", "data"), prevent_initial_call=True)(make_end)
    drawn = [Output(each.component_id, each.component_property, allow_duplicate=True) for each in ends]
    app.callback(*drawn, Input("plane", "relayoutData"), projection, name, prevent_initial_call=True)(draw_way)
    dragged = Output("plane", "figure", allow_duplicate=True)
    app.callback(dragged, Input("dragging", "value"), prevent_initial_call=True)(choose_drag)
    walk = (Input("way", "value"), Input("ends", "data"))
    app.callback(Output("on-the-way", "children"), *walk, name, prevent_initial_call=True)(show_step)


def choose_drag(drag: Drag) -> Patch:
    """The plane as it is, with another use of dragging on it."""
    figure = Patch()
    figure["layout"]["dragmode"] = drag
    return figure


def make_end(_a: int | None, _b: int | None, chosen: Mapping[str, Any] | None, ends: Ends) -> tuple[dict[str, Any], bool]:
    """The ends of the way with the chosen point as one of them."""
    if chosen is None or ctx.triggered_id is None:
        raise PreventUpdate
    new = {**ends, ctx.triggered_id.removeprefix("make-"): chosen}
    return new, len(new) < len("AB")


async def draw_way(change: Mapping[str, Any] | None, projection: Projection, name: str) -> tuple[dict[str, Any], bool]:
    """The ends of a line that was drawn on the plane; one at a trial or an architecture of the space is that itself."""
    lines = (change or {}).get("shapes")
    if not lines:
        raise PreventUpdate
    line = lines[-1]
    starts, stops = (line["x0"], line["y0"]), (line["x1"], line["y1"])
    return {"A": await _end(name, starts, projection), "B": await _end(name, stops, projection)}, False


async def _end(name: str, place: tuple[float, float], projection: Projection) -> dict[str, Any]:
    known = placed_near(await shown_map(name, projection), place)
    at, point = known or (place, await point_at(here(), name, place, projection))
    return {"place": list(at), "plane": projection, "point": list(point)}


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
