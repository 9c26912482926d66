"""What stands at a point of the latent space that was clicked: the architectures it decodes to, the trials around it."""

from collections.abc import Mapping, Sequence
from typing import Any

import anyio.to_thread
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from models.architectures.architecture import Architecture
from models.architectures.edit_distance import edit_distance
from models.architectures.formats import from_json, to_json
from service.dashboard.paths import trial_path
from service.dashboard.visit import here
from service.dashboard.widgets import Content, card, drawing, facts, loading, notice
from service.dashboard.wording import number, plural, short, with_deviation
from service.errors import InvalidRequest
from service.storage.values import Trial
from service.studies import latents
from service.studies.architectures import Graph
from service.studies.latent_map import LatentMap, latent_map, near, point_at
from service.studies.latent_points import Point
from service.studies.latents import Decoded, Sampling, study_scope, trial_point
from service.studies.planes import Projection

SAMPLE = 400
_MOST_TRIALS = 1000

_SAMPLING = Sampling(32, "sampled", 0)
_NEIGHBOURS = 5
_CLICK = "Click on the map: a trial, an architecture of the space, or any place between them."


async def shown_map(name: str, projection: Projection, with_predictions: bool = False) -> LatentMap:
    """What the page shows of a study in a plane. Raises `StudyNotFound`, `ModelUnavailable` and `NotInstalled`."""
    return await latent_map(here(), name, most_trials(), SAMPLE, with_predictions, projection)


def most_trials() -> int:
    """So many trials, the newest, are shown at most."""
    return min(_MOST_TRIALS, here().settings.max_page)


def panel() -> list[Component]:
    buttons = [
        html.Button(f"Make this {letter}", id=f"make-{letter}", className="button", type="button", disabled=True) for letter in "AB"
    ]
    decoded = [loading(html.Div(notice(_CLICK), id="decoded")), loading(html.Div(id="expected"))]
    return [
        card("At this point", *decoded, html.Div(buttons, className="row")),
        dcc.Store(id="decoded-graph"),
        dcc.Store(id="chosen"),
    ]


def register(app: Dash) -> None:
    name = State("map-study", "data")
    shown = (Output("chosen", "data"), Output("decoded", "children"), Output("decoded-graph", "data"))
    ready = (Output("make-A", "disabled"), Output("make-B", "disabled"))
    clicked = (Input("plane", "clickData"), State("shown-plane", "data"))
    app.callback(*shown, *ready, *clicked, name, prevent_initial_call=True)(show_point)
    click, pressed = ClientsideFunction("svge", "clickWhileDrawing"), (Input("pointed", "n_clicks"), State("plane", "hoverData"))
    app.clientside_callback(click, Output("plane", "clickData"), *pressed, prevent_initial_call=True)
    app.callback(Output("expected", "children"), Input("decoded-graph", "data"), name, prevent_initial_call=True)(show_expected)


async def show_point(
    click: Mapping[str, Any] | None, projection: Projection, name: str
) -> tuple[dict[str, Any], Content, Any, bool, bool]:
    """The point that was clicked, what it decodes to most often, and the trials around it."""
    if not click or not click.get("points"):
        raise PreventUpdate
    clicked = click["points"][0]
    context = here()
    found = await shown_map(name, projection)
    kind, which, *_ = clicked.get("customdata") or ("place", 0)
    if kind == "trial":
        _, point = await trial_point(context, str(which))
    else:
        place = (clicked["x"], clicked["y"])
        point = found.sample[which].encoding.mean if kind == "sample" else await point_at(context, name, place, projection)
    decoded = await decode_at(name, point, _SAMPLING)
    around = near(found, point, _NEIGHBOURS)
    graph = to_json(decoded[0].decoding.architecture) if decoded else None
    content = await anyio.to_thread.run_sync(_at_point, decoded, around)
    return chosen((clicked["x"], clicked["y"]), point, projection), content, graph, False, False


def chosen(place: tuple[float, float], point: Point, plane: Projection) -> dict[str, Any]:
    """A latent point that somebody chose, and where it lies in which plane."""
    return {"place": list(place), "plane": plane, "point": list(point)}


async def show_expected(graph: Mapping[str, Any] | None, name: str) -> Content:
    """What the study expects of the architecture that is shown, and whether it has tried it."""
    if graph is None:
        return None
    architecture = from_json(graph)
    sent = Graph(architecture.nodes, architecture.edges)
    try:
        (expected,) = await latents.predict(here(), name, [sent], "/architecture")
    except InvalidRequest as error:
        return notice(f"No architecture of the space: {error.message}", "problem")
    known = expected.prediction
    pairs: list[tuple[str, Content]] = [
        ("Predicted", "too few observations" if known is None else with_deviation(known.mean, known.std))
    ]
    pairs += [] if known is None else [("Log expected improvement", number(known.acquisition_value))]
    pairs.append(("Tried", dcc.Link("yes", href=trial_path(expected.trial)) if expected.trial else "no"))
    return [html.H3("What the study expects"), facts(pairs)]


async def decode_at(name: str, point: Point, sampling: Sampling) -> list[Decoded]:
    """What a point decodes to in the study's space, the most frequent first."""
    scope = await study_scope(here(), name)
    without_study = latents.Scope(scope.card, scope.space, None)  # its surrogate is asked later: that may take a while
    return await latents.decode(here(), without_study, [point], sampling, ["/point"])


def _at_point(decoded: Sequence[Decoded], around: Sequence[tuple[Trial, float]]) -> Content:
    if not decoded:
        return notice("Nothing decodes at this point.")
    best, architecture = decoded[0], decoded[0].decoding.architecture
    validity = "" if best.valid else ", which the space does not allow"
    text = f"{best.decoding.frequency:.0%} of {_SAMPLING.samples} samples{validity}; {len(decoded)} distinct in all"
    return [
        html.Div(drawing(architecture, "The most frequent decoding"), className="canvas"),
        html.P(text, className="caption"),
        html.H3("Nearest trials"),
        _around(architecture, around) if around else notice("The study has no trials yet."),
    ]


def _around(architecture: Architecture, around: Sequence[tuple[Trial, float]]) -> Component:
    items = []
    for trial, distance in around:
        edits = plural(edit_distance(architecture, trial.architecture), "edit")
        link = dcc.Link(f"#{trial.number}", href=trial_path(trial.id))
        items.append(html.Li([link, f" {number(trial.value)}", html.Small(f" {edits}, distance {short(distance)}")]))
    return html.Ol(items, className="near")
