"""The architecture under the pointer on the latent map, drawn beside it."""

from collections.abc import Sequence
from typing import Any

import anyio.to_thread
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from models.architectures.architecture import Architecture
from service.dashboard.pages.latent_point import shown_map
from service.dashboard.visit import here
from service.dashboard.widgets import Content, drawing
from service.studies.history import read_trial
from service.studies.planes import Projection

Pointed = Sequence[Any]
"""What a point of the plane carries: its kind, which one it is, and two texts about it."""


def pointed(plane: Component) -> Component:
    """The plane, with what is drawn beside the pointer."""
    beside = dcc.Tooltip(id="beside", background_color="var(--surface)", border_color="var(--line)")
    return html.Div([plane, beside, dcc.Store(id="under-pointer")], id="pointed", className="pointed")


def register(app: Dash) -> None:
    moves = (*(Output("beside", name) for name in ("show", "bbox", "direction")), Output("under-pointer", "data"))
    follow = ClientsideFunction("svge", "followPointer")
    changes = (Input("plane", "hoverData"), Input("plane", "relayoutData"))
    app.clientside_callback(follow, *moves, *changes, State("under-pointer", "data"), prevent_initial_call=True)
    where = (State("projection", "value"), State("map-study", "data"))
    app.callback(Output("beside", "children"), Input("under-pointer", "data"), *where, prevent_initial_call=True)(draw_pointed)


async def draw_pointed(under_pointer: Pointed | None, projection: Projection, name: str) -> Content:
    """The trial or the architecture of the space under the pointer."""
    if not under_pointer:
        raise PreventUpdate
    kind, which, title, note = under_pointer
    architecture = await _architecture(kind, which, projection, name)
    return await anyio.to_thread.run_sync(_drawn, architecture, title, note)


async def _architecture(kind: str, which: str | int, projection: Projection, name: str) -> Architecture:
    if kind == "trial":
        return (await read_trial(here(), str(which))).trial.architecture
    return (await shown_map(name, projection)).sample[int(which)].encoding.architecture


def _drawn(architecture: Architecture, title: str, note: str) -> Content:
    return [html.Strong(title), html.Span(note), drawing(architecture, f"{title}, drawn", small=True)]
