"""The architecture under the pointer on the latent map, drawn beside it."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import anyio.to_thread
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from models.architectures.architecture import Architecture
from service.dashboard.pages.latent_point import SAMPLE
from service.dashboard.visit import here
from service.dashboard.widgets import Content, drawing, notice
from service.errors import ServiceError
from service.studies.history import trial_with_id
from service.studies.latent_map import sampled

Pointed = Sequence[Any]
"""What a point of the plane carries: its kind, which one it is, and two texts about it."""


def pointed(plane: Component) -> Component:
    """The plane, with what is drawn beside the pointer."""
    beside = dcc.Tooltip(id="beside", background_color="var(--surface)", border_color="var(--line)")
    return html.Div([plane, beside, dcc.Store(id="under-pointer")], id="pointed", className="pointed")


def register(app: Dash) -> None:
    moves = (*(Output("beside", name) for name in ("show", "bbox", "direction")), Output("under-pointer", "data"))
    follow, changes = ClientsideFunction("svge", "followPointer"), (Input("plane", "hoverData"), Input("plane", "relayoutData"))
    app.clientside_callback(follow, *moves, *changes, prevent_initial_call=True)
    drawn = (Output("beside", "children"), Input("under-pointer", "data"), State("map-study", "data"))
    app.callback(*drawn, prevent_initial_call=True)(draw_pointed)


async def draw_pointed(under_pointer: Pointed | None, name: str) -> Content:
    """The trial or the architecture of the space under the pointer."""
    if not under_pointer:
        raise PreventUpdate
    kind, which, title, note = under_pointer
    try:
        architecture = await _architecture(kind, which, name)
    except ServiceError as error:
        return notice(error.message)
    return await anyio.to_thread.run_sync(_drawn, architecture, title, note)


async def _architecture(kind: str, which: str | int, name: str) -> Architecture:
    if kind == "trial":
        return (await here().database.read(partial(trial_with_id, str(which)))).architecture
    return (await sampled(here(), name, SAMPLE))[int(which)].architecture


def _drawn(architecture: Architecture, title: str, note: str) -> Content:
    return [html.Strong(title), html.Span(note), drawing(architecture, f"{title}, drawn", small=True)]
