"""The page of all studies: how each stands, and making a new one."""

import hashlib
from collections.abc import Sequence
from typing import Any

import anyio.to_thread
from dash import ALL, Dash, Input, Output, State, ctx, dcc, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from models.search.proposal import STRATEGIES
from service.api.schemas.studies import StudyRequest
from service.api.validation import faults_of
from service.dashboard.paths import map_path, study_path
from service.dashboard.visit import current, here
from service.dashboard.widgets import Content, badge, choice, moment, notice, page, progress_bar, table
from service.dashboard.wording import closing_word, count, goal, number, status
from service.errors import InvalidRequest, ServiceError
from service.storage.values import KeyScope, Study, TrialState
from service.studies import overview
from service.studies.catalogue import all_models
from service.studies.lifecycle import close_study, create_study
from service.studies.overview import Pulse

_MOST = 200
_POLL_SECONDS = 5
_LOOK_EVERY = 12
"""Polls after which the table is made anew all the same: it tells how long ago things were."""
_HEADS = ("Study", "Space", "Strategy", "Looks for", "Completed", "Best value", "Running", "Failed", "Last activity", "State", "")
_NONE = "There is no study yet. Make one below, or with POST /studies."


async def content() -> Component:
    found, seen = await _look()
    return page(
        "Studies",
        dcc.Interval(id="studies-poll", interval=_POLL_SECONDS * 1000),
        dcc.Store(id="studies-seen", data=seen),
        html.Section(found, id="studies", className="card wide", **{"aria-label": "All studies"}),
        html.Details([html.Summary("New study"), _form()], className="card wide", id="new-study"),
    )


def register(app: Dash) -> None:
    table = (Output("studies", "children"), Output("studies-seen", "data"))
    polled = (Input("studies-poll", "n_intervals"), State("studies-seen", "data"))
    app.callback(*table, *polled, prevent_initial_call=True)(refresh)
    for kind in ("close", "reopen"):
        changed = Output("studies", "children", allow_duplicate=True)
        app.callback(changed, Input({"type": kind, "study": ALL}, "n_clicks"), prevent_initial_call=True)(close_or_reopen)
    fields = [State(f"new-{field}", "value") for field in ("name", "space", "objective", "strategy", "max_trials", "seed")]
    made = (Output("new-problem", "children"), Output("studies", "children", allow_duplicate=True))
    app.callback(*made, Input("new-create", "n_clicks"), *fields, prevent_initial_call=True)(create)


async def refresh(ticks: int | None, seen: str | None) -> tuple[Content, str]:
    """The table where something has changed since it was `seen`, and now and then besides."""
    return await _look(None if ticks and ticks % _LOOK_EVERY == 0 else seen)


async def close_or_reopen(clicks: Sequence[int | None]) -> Content:
    """The studies after one of them was closed or reopened, as its button says, whatever others did meanwhile.

    Raises `Denied` for a key without the scope `admin`.
    """
    if not any(clicks) or not isinstance(ctx.triggered_id, dict):
        raise PreventUpdate  # the buttons themselves have come, nobody has pressed one
    await current.get().require(KeyScope.ADMIN)
    await close_study(here(), ctx.triggered_id["study"], closed=ctx.triggered_id["type"] == "close")
    return (await _look())[0]


async def create(clicks: int | None, *values: Any) -> tuple[Content, Content]:
    """What came of making a study, and the studies there are then."""
    if not clicks:
        raise PreventUpdate
    names = ("name", "space", "objective", "strategy", "max_trials", "seed")
    body = {name: value for name, value in zip(names, values, strict=True) if value not in (None, "")}
    try:
        await current.get().require(KeyScope.ADMIN)
        request = read_request(body)
        await create_study(here(), request.study_settings(here().settings), request.model)
    except ServiceError as error:
        said: Content = _refusal(error)
    else:
        said = html.Div(["Created ", dcc.Link(request.name, href=study_path(request.name)), "."], className="notice", role="status")
    return said, (await _look())[0]


def read_request(body: dict[str, Any]) -> StudyRequest:
    """The request that a filled form means, by the rules of `POST /studies`. Raises `InvalidRequest`."""
    try:
        return StudyRequest.model_validate(body)
    except ValidationError as error:
        placed = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors()]
        raise InvalidRequest(faults_of(RequestValidationError(placed))) from error


def listed(pulses: Sequence[Pulse]) -> Content:
    """The table of studies, or what to do without any."""
    if not pulses:
        return notice(_NONE)
    return table(_HEADS, [_row(pulse) for pulse in pulses], "Studies", numeric=[5, 6, 7])


async def _look(seen: str | None = None) -> tuple[Content, str]:
    """The table, and what tells it from an older one. Raises `PreventUpdate` where it is as it was `seen`."""
    pulses = await overview.pulses(here(), _MOST)
    state = [(pulse.summary.study.id, pulse.change, pulse.summary.study.closed_at) for pulse in pulses]
    now = hashlib.sha256(repr(state).encode()).hexdigest()
    if now == seen:
        raise PreventUpdate
    return await anyio.to_thread.run_sync(listed, pulses), now


def _row(pulse: Pulse) -> Sequence[Content]:
    study, counts = pulse.summary.study, pulse.summary.counts
    completed, running = counts.get(TrialState.COMPLETED, 0), counts.get(TrialState.RUNNING, 0)
    failed = counts.get(TrialState.FAILED, 0) + counts.get(TrialState.INFEASIBLE, 0)
    limit = study.settings.max_trials
    progress: list[Content] = [count(completed)]
    if limit is not None:
        progress = [f"{count(completed)} of {count(limit)}", progress_bar(study.trials_created, limit, f"Budget of {study.name}")]
    state = status(study, running)
    return (
        [
            dcc.Link(study.name, href=study_path(study.name), className="strong"),
            " ",
            dcc.Link("map", href=map_path(study.name), **{"title": f"Latent map of {study.name}"}),
        ],
        study.settings.space,
        study.settings.strategy,
        goal(study.settings),
        progress,
        number(pulse.summary.best_value),
        count(running),
        html.Span(count(failed), className="warn" if failed and failed >= study.trials_created / 4 else ""),
        moment(pulse.last.at if pulse.last else None, pulse.now),
        badge(state, state),
        _closing(study),
    )


def _closing(study: Study) -> Component:
    word = closing_word(study)
    ident = {"type": word.lower(), "study": study.name}
    return html.Button(word, id=ident, className="button", type="button", **{"aria-label": f"{word} {study.name}"})


def _refusal(error: ServiceError) -> Component:
    faults = [html.Li([html.Strong(fault.pointer.strip("/")), f": {fault.message}"]) for fault in error.faults]
    return html.Div(["Not created. ", html.Ul(faults) if faults else error.message], className="notice problem", role="alert")


def _form() -> Component:
    spaces = sorted({model.space for model in all_models(here().settings.model_folders)})
    first = spaces[0] if spaces else None
    directions = [("maximize", "maximize"), ("minimize", "minimize")]
    fields = [
        _entry("name", "Name", "text", None),
        choice("new-space", [(space, space) for space in spaces], first, "Space"),
        choice("new-objective", directions, "maximize", "Objective"),
        choice("new-strategy", [(strategy, strategy) for strategy in STRATEGIES], "svge", "Strategy"),
        _entry("max_trials", "Most trials (empty: no limit)", "number", None),
        _entry("seed", "Seed", "number", 0),
    ]
    button = html.Button("Create study", id="new-create", className="button primary", type="button")
    more = "Several objectives, limits on costs and stopping rules are set with POST /studies, which /docs describes."
    return html.Div(
        [html.Div(fields, className="fields"), html.Div([button, html.Small(more)], className="row"), html.Div(id="new-problem")]
    )


def _entry(field: str, label: str, kind: str, value: Any) -> Component:
    entry = dcc.Input(id=f"new-{field}", type=kind, value=value, autoComplete="off", step=1 if kind == "number" else None)
    return html.Div([html.Label(label, htmlFor=f"new-{field}"), entry], className="field")
