"""The page with the plane of a study's latent space. What stands at a point of it is `latent_point.py`."""

from collections.abc import Mapping, Sequence
from typing import Any

import anyio.to_thread
from dash import Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from service.dashboard.figures.plane import HEIGHT, SHADES, Mark, Shade, latent_plane
from service.dashboard.figures.style import Figure, empty
from service.dashboard.pages import latent_point
from service.dashboard.paths import studies_path, study_path
from service.dashboard.visit import here
from service.dashboard.widgets import card, choice, graph, loading, page
from service.dashboard.wording import plural, value_name
from service.studies.latent_map import latent_map
from service.studies.lifecycle import read_study


async def content(name: str) -> Component:
    """The page without its points, which come when they are encoded. Raises `StudyNotFound`."""
    await read_study(here(), name)
    waiting = empty("first latent axis", "second latent axis", "Encoding …", HEIGHT)
    chosen = choice("shade", [(text, key) for text, key in SHADES], "value", "Colour")
    plane = loading(graph("plane", waiting, "Plane of the latent space", HEIGHT))
    return page(
        ["Latent map of ", name],
        dcc.Store(id="map-study", data=name),
        dcc.Store(id="ends", data={}),
        dcc.Store(id="chosen"),
        html.Div(
            [
                card("Trials and the space around them", plane, extra=chosen, caption=html.Span(id="map-caption")),
                html.Div(latent_point.panel(), className="stack"),
            ],
            className="grid map",
        ),
        trail=[("Studies", studies_path()), (name, study_path(name))],
    )


def register(app: Dash) -> None:
    shown = (Output("plane", "figure"), Output("map-caption", "children"))
    app.callback(*shown, Input("shade", "value"), Input("ends", "data"), State("map-study", "data"))(show_plane)
    latent_point.register(app)


async def show_plane(shade: Shade, ends: Mapping[str, Any], name: str | None) -> tuple[Figure, str]:
    """The plane, and which trials it shows; the surrogate is asked only where its answer is the colour."""
    if name is None:
        raise PreventUpdate
    settings = (await read_study(here(), name)).study.settings
    limit = min(latent_point.MOST_TRIALS, here().settings.max_page)
    found = await latent_map(here(), name, limit, latent_point.SAMPLE, with_predictions=shade != "value")
    marks = [Mark(letter, tuple(end["place"])) for letter, end in sorted(ends.items())]
    figure = await anyio.to_thread.run_sync(latent_plane, found, shade, value_name(settings), marks)
    return figure, caption(len(found.trials), limit, shade, [each.prediction for each in found.sample])


def caption(trials: int, limit: int, shade: Shade, predictions: Sequence[object]) -> str:
    """What the plane is and which trials are in it."""
    shown = f"The {limit:,} newest trials" if trials >= limit else plural(trials, "trial").capitalize()
    missing = "" if shade == "value" or any(predictions) else " There are too few observations for predictions yet."
    return f"{shown} and {plural(len(predictions), 'random architecture')}, by principal components.{missing}"
