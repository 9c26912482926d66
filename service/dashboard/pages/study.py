"""The page of one study: how it stands, its plots, its trials, its workers. The table is `trials_table.py`.

Every few seconds the page asks for the number of the study's last change, and for what it shows only where that has moved on.
"""

from collections.abc import Sequence
from typing import Any

import anyio.to_thread
import plotly.graph_objects as go
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from service.dashboard.figures.curves import NamedCurve, best_so_far
from service.dashboard.figures.results import calibration, coverage_plot, predicted_against_observed, values_over_time
from service.dashboard.figures.style import spread_caption
from service.dashboard.figures.trade_offs import trade_offs
from service.dashboard.pages import study_state, trials_table
from service.dashboard.paths import compare_path, map_path, studies_path
from service.dashboard.visit import current, here
from service.dashboard.widgets import card, choice, graph, page
from service.dashboard.wording import CLOSE, closing_word, value_name
from service.storage.values import KeyScope, Study, TrialState
from service.studies import overview
from service.studies.curve import curve
from service.studies.lifecycle import close_study
from service.studies.overview import Pulse, Spread
from service.studies.pareto import pareto_front

POLL_SECONDS = 3
MOST_POINTS = 500
_MOST_FRONT = 500
_COVERAGE = "How often the central predictive intervals held what was observed. The noise of trainings is not part of them."
_LOOK_EVERY = 5
"""Polls after which the study is looked at again all the same: renewing a lease is no change of it, and times pass."""


async def content(name: str) -> Component:
    """Raises `StudyNotFound`."""
    context = here()
    pulse = await overview.pulse(context, name)
    spread = await overview.spread(context, name, MOST_POINTS)
    return page(
        [name, " ", html.Span(study_state.badges(pulse), id="badges", className="badges")],
        dcc.Store(id="study", data=name),
        dcc.Store(id="change", data=pulse.change),
        dcc.Interval(id="poll", interval=POLL_SECONDS * 1000),
        html.Div(study_state.overview_figures(pulse), id="overview", className="card wide"),
        html.Div(await _plots(pulse, spread), className="grid"),
        card("Trials", trials_table.filters(), trials_table.grid(), wide=True),
        html.Div(await study_state.activity(pulse), id="activity", className="grid"),
        trail=[("Studies", studies_path())],
        actions=[
            dcc.Link("Latent map", href=map_path(name), className="button"),
            dcc.Link("Compare", href=compare_path(studies=[name]), className="button"),
            html.Button(closing_word(pulse.summary.study), id="close-study", className="button", type="button"),
        ],
    )


def register(app: Dash) -> None:
    on_change, name = Input("change", "data"), State("study", "data")
    told = [(part, "children") for part in ("badges", "overview", "close-study")]
    polled = [Output("change", "data"), *(Output(*each) for each in told), Output("activity", "children")]
    app.callback(*polled, Input("poll", "n_intervals"), name, State("change", "data"), prevent_initial_call=True)(poll)
    best = Output({"type": "trials", "plot": "best"}, "figure")
    app.callback(best, on_change, Input("reference", "value"), name, prevent_initial_call=True)(refresh_best)
    plots = [Output({"type": "trials", "plot": plot}, "figure") for plot in ("values", "predicted")]
    captions = [Output("values-caption", "children"), Output("calibration", "figure")]
    app.callback(*plots, *captions, on_change, name, prevent_initial_call=True)(refresh_results)
    app.callback(Output({"type": "trials", "plot": "front"}, "figure"), on_change, name, prevent_initial_call=True)(refresh_front)
    closing = [Output(*each, allow_duplicate=True) for each in told]
    word = State("close-study", "children")
    app.callback(*closing, Input("close-study", "n_clicks"), word, name, prevent_initial_call=True)(close_or_reopen)
    trials_table.register(app)


async def poll(ticks: int | None, name: str, change: int) -> tuple[Any, ...]:
    """The number of the study's last change where it has moved on, and how the study stands, which is told now and then besides."""
    if not ticks:
        raise PreventUpdate
    context = here()
    if ticks % _LOOK_EVERY and await overview.last_change(context, name) == change:
        raise PreventUpdate
    pulse = await overview.pulse(context, name)
    return no_update if pulse.change == change else pulse.change, *_told(pulse), await study_state.activity(pulse)


async def refresh_best(_change: int, references: Sequence[str] | None, name: str) -> go.Figure:
    pulse = await overview.pulse(here(), name)
    return await _best_figure(pulse.summary.study, references or [])


async def refresh_results(_change: int, name: str) -> tuple[go.Figure, go.Figure, str, go.Figure]:
    spread = await overview.spread(here(), name, MOST_POINTS)
    word = value_name(spread.study.settings)
    values, expected = values_over_time(spread.results, word), predicted_against_observed(spread.results, word)
    return values, expected, _caption(spread), coverage_plot(calibration(spread.results))


async def refresh_front(_change: int, name: str) -> go.Figure:
    return await _front_figure((await overview.pulse(here(), name)).summary.study)


async def close_or_reopen(clicks: int | None, word: str, name: str) -> tuple[Any, ...]:
    """What the button's `word` says, which may be older than what somebody else did. Raises `Denied` without the scope `admin`."""
    if not clicks:
        raise PreventUpdate
    await current.get().require(KeyScope.ADMIN)
    await close_study(here(), name, closed=word == CLOSE)
    return _told(await overview.pulse(here(), name))


def _told(pulse: Pulse) -> tuple[Any, ...]:
    return study_state.badges(pulse), study_state.overview_figures(pulse), closing_word(pulse.summary.study)


async def _plots(pulse: Pulse, spread: Spread) -> list[Component]:
    study = pulse.summary.study
    word = value_name(study.settings)
    references = await _references(study)
    chosen = (
        choice("reference", references, [], "Random search for reference", several=True) if references else html.Div(id="reference")
    )
    hint = None if references else "A study of this space with the strategy 'random' would serve as a reference here."
    best = graph({"type": "trials", "plot": "best"}, await _best_figure(study, []), f"Best {word} so far")
    values = graph({"type": "trials", "plot": "values"}, values_over_time(spread.results, word), "Values over time")
    expected = graph(
        {"type": "trials", "plot": "predicted"}, predicted_against_observed(spread.results, word), "Predicted against observed"
    )
    coverage = graph("calibration", coverage_plot(calibration(spread.results)), "Calibration of the predictions")
    shown = [
        card("Best so far", best, extra=chosen, caption=hint),
        card("Values over time", values, caption=html.Span(_caption(spread), id="values-caption")),
        card(
            "Predicted against observed",
            expected,
            caption="Predictions as they were when each trial was proposed, ± one standard deviation.",
        ),
        card("Calibration", coverage, caption=_COVERAGE),
    ]
    if len(study.settings.objectives) > 1:
        front = graph({"type": "trials", "plot": "front"}, await _front_figure(study), "Best trade-offs", height=360)
        shown.append(card("Best trade-offs", front, wide=True, caption="Grey: the newest of the other completed trials."))
    return shown


async def _references(study: Study) -> list[tuple[str, str]]:
    """The other studies that searched the same space for the same by drawing at random."""
    others = [one for one in await overview.all_studies(here(), here().settings.max_page) if one.id != study.id]
    return [(one.name, one.name) for one in others if one.settings.strategy == "random" and _sought(one) == _sought(study)]


def _sought(study: Study) -> tuple[str, str, str]:
    """What a curve's values are of: the space, and the first objective with its direction."""
    return study.settings.space, study.settings.objective, value_name(study.settings)


async def _best_figure(study: Study, references: Sequence[str]) -> go.Figure:
    curves = [NamedCurve(name, await curve(here(), name), reference=True) for name in references]
    return best_so_far([*curves, NamedCurve(study.name, await curve(here(), study.name))], value_name(study.settings))


async def _front_figure(study: Study) -> go.Figure:
    front = await pareto_front(here(), study.name, _MOST_FRONT)
    others = await overview.listing(here(), study.name, TrialState.COMPLETED, "newest", 0, _MOST_FRONT)
    return await anyio.to_thread.run_sync(trade_offs, study.settings.objectives, front.trials, others.trials)


def _caption(spread: Spread) -> str:
    return spread_caption(len(spread.results), spread.step, spread.size)
