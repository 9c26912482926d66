"""The page with the plane of a study's latent space. The pages' other `latent_*.py` are what one can do on it."""

from collections.abc import Sequence

import anyio.to_thread
from dash import Dash, Input, Output, Patch, State, dcc, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from service.dashboard.figures.plane import HEIGHT, SHADES, Shade, latent_plane
from service.dashboard.figures.style import Figure, empty
from service.dashboard.pages import latent_hover, latent_point, latent_way
from service.dashboard.paths import studies_path, study_path
from service.dashboard.visit import here
from service.dashboard.widgets import card, choice, graph, loading, page
from service.dashboard.wording import plural, value_name
from service.studies.lifecycle import read_study
from service.studies.planes import Projection

PROJECTIONS: Sequence[tuple[str, Projection, str]] = (
    ("principal components", "pca", "by principal components"),
    ("UMAP", "umap", "by UMAP, which keeps together what lies together; its axes and far distances mean nothing"),
)


async def content(name: str) -> Component:
    """The page without its points, which come when they are encoded. Raises `StudyNotFound`."""
    await read_study(here(), name)
    waiting = empty("first latent axis", "second latent axis", "Encoding …", HEIGHT)
    choices = [
        choice("projection", [(text, key) for text, key, _ in PROJECTIONS], "pca", "Plane"),
        latent_way.drag_choice(),
        choice("shade", SHADES, "value", "Colour"),
    ]
    chosen = html.Div(choices, className="filters")
    plane = latent_hover.pointed(loading(graph("plane", waiting, "Plane of the latent space", HEIGHT, clear_on_unhover=True)))
    return page(
        ["Latent map of ", name],
        dcc.Store(id="map-study", data=name),
        dcc.Store(id="shown-plane"),
        html.Div(
            [
                card("Trials and the space around them", chosen, plane, caption=html.Span(id="map-caption")),
                html.Div([*latent_point.panel(), *latent_way.panel()], className="stack"),
            ],
            className="grid map",
        ),
        trail=[("Studies", studies_path()), (name, study_path(name))],
    )


def register(app: Dash) -> None:
    shown = (Output("plane", "figure"), Output("map-caption", "children"), Output("shown-plane", "data"))
    chosen = (Input("projection", "value"), Input("shade", "value"))
    known = (State("ends", "data"), State("shown-plane", "data"), State("map-study", "data"))
    app.callback(*shown, *chosen, *known)(show_plane)
    for part in (latent_hover, latent_point, latent_way):
        part.register(app)


async def show_plane(
    projection: Projection, shade: Shade, ends: latent_way.Ends, before: Projection | None, name: str | None
) -> tuple[Figure | Patch, str, Projection]:
    """The plane, and which trials it shows, `before` being the one that is drawn already; the surrogate is asked only where its
    answer is the colour.
    """
    if name is None:
        raise PreventUpdate
    settings = (await read_study(here(), name)).study.settings
    found = await latent_point.shown_map(name, projection, shade != "value")
    figure = await anyio.to_thread.run_sync(latent_plane, found, shade, value_name(settings))
    figure["layout"] |= latent_way.marks(ends, projection)
    shown = _other_points(figure) if projection == before else figure
    predictions = [each.prediction for each in found.sample]
    return shown, caption(len(found.trials), latent_point.most_trials(), projection, shade, predictions), projection


def _other_points(figure: Figure) -> Patch:
    """The plane as it is with the points of another figure, which itself would undo what was zoomed into."""
    patch = Patch()
    patch["data"] = figure["data"]
    return patch


def caption(trials: int, limit: int, projection: Projection, shade: Shade, predictions: Sequence[object]) -> str:
    """What the plane is and which trials are in it."""
    shown = f"The {limit:,} newest trials" if trials >= limit else plural(trials, "trial").capitalize()
    missing = "" if shade == "value" or any(predictions) else " There are too few observations for predictions yet."
    how = next(words for _, key, words in PROJECTIONS if key == projection)
    return f"{shown} and {plural(len(predictions), 'random architecture')}, {how}.{missing}"
