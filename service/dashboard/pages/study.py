"""The page of one study: how it stands, its plots, its trials, its workers. The table is `trials_table.py`.

Every few seconds the page asks for the number of the study's last change, and for what it shows only where that has moved on.
"""

from collections.abc import Sequence
from typing import Any

import anyio.to_thread
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from service.dashboard.figures.curves import NamedCurve, best_so_far
from service.dashboard.figures.results import calibration, coverage_plot, predicted_against_observed, values_over_time
from service.dashboard.figures.style import Figure, spread_caption
from service.dashboard.figures.trade_offs import front_plot
from service.dashboard.pages import study_state, trials_table
from service.dashboard.paths import compare_path, map_path, studies_path
from service.dashboard.visit import current, here
from service.dashboard.widgets import card, choice, graph, page
from service.dashboard.wording import CLOSE, closing_word, value_name
from service.storage.values import KeyScope, Study
from service.studies import overview
from service.studies.curve import curve
from service.studies.lifecycle import close_study, read_study
from service.studies.overview import Pulse, Spread
from service.studies.pareto import trade_offs

POLL_SECONDS = 3
MOST_POINTS = 500
_MOST_FRONT = 500
_MOST_REFERENCES = 50
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
        html.Div(await _plots(pulse.summary.study, spread), className="grid"),
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


async def refresh_best(_change: int, references: Sequence[str] | None, name: str) -> Figure:
    study = (await read_study(here(), name)).study
    curves = [NamedCurve(one, await curve(here(), one), reference=True) for one in references or []]
    curves.append(NamedCurve(name, await curve(here(), name)))
    return await anyio.to_thread.run_sync(best_so_far, curves, value_name(study.settings))


async def refresh_results(_change: int, name: str) -> tuple[Figure, Figure, str, Figure]:
    spread = await overview.spread(here(), name, MOST_POINTS)
    values, expected, coverage = await anyio.to_thread.run_sync(_result_figures, spread)
    return values, expected, _caption(spread), coverage


async def refresh_front(_change: int, name: str) -> Figure:
    return await anyio.to_thread.run_sync(front_plot, await trade_offs(here(), name, _MOST_FRONT))


async def close_or_reopen(clicks: int | None, word: str, name: str) -> tuple[Any, ...]:
    """What the button's `word` says, which may be older than what somebody else did. Raises `Denied` without the scope `admin`."""
    if not clicks:
        raise PreventUpdate
    await current.get().require(KeyScope.ADMIN)
    await close_study(here(), name, closed=word == CLOSE)
    return _told(await overview.pulse(here(), name))


def _told(pulse: Pulse) -> tuple[Any, ...]:
    return study_state.badges(pulse), study_state.overview_figures(pulse), closing_word(pulse.summary.study)


async def _plots(study: Study, spread: Spread) -> list[Component]:
    """The cards with the plots, made in a thread."""
    context, name = here(), study.name
    references = await overview.references(context, study, _MOST_REFERENCES)
    curves = [NamedCurve(name, await curve(context, name))]
    cards = await anyio.to_thread.run_sync(_cards, spread, curves, references)
    if len(study.settings.objectives) > 1:
        figure = await anyio.to_thread.run_sync(front_plot, await trade_offs(context, name, _MOST_FRONT))
        front = graph({"type": "trials", "plot": "front"}, figure, "Best trade-offs", height=360)
        cards.append(card("Best trade-offs", front, wide=True, caption="Grey: the newest of the other completed trials."))
    return cards


def _cards(spread: Spread, curves: Sequence[NamedCurve], references: Sequence[str]) -> list[Component]:
    word = value_name(spread.study.settings)
    options = [(name, name) for name in references]
    chosen = choice("reference", options, [], "Random search for reference", several=True) if options else html.Div(id="reference")
    hint = None if options else "A study of this space with the strategy 'random' would serve as a reference here."
    values, expected, coverage = _result_figures(spread)
    return [
        card(
            "Best so far",
            graph({"type": "trials", "plot": "best"}, best_so_far(curves, word), f"Best {word} so far"),
            extra=chosen,
            caption=hint,
        ),
        card(
            "Values over time",
            graph({"type": "trials", "plot": "values"}, values, "Values over time"),
            caption=html.Span(_caption(spread), id="values-caption"),
        ),
        card(
            "Predicted against observed",
            graph({"type": "trials", "plot": "predicted"}, expected, "Predicted against observed"),
            caption="Predictions as they were when each trial was proposed, ± one standard deviation.",
        ),
        card("Calibration", graph("calibration", coverage, "Calibration of the predictions"), caption=_COVERAGE),
    ]


def _result_figures(spread: Spread) -> tuple[Figure, Figure, Figure]:
    """Values over time, predictions against them, and how often these were right."""
    word = value_name(spread.study.settings)
    values, expected = values_over_time(spread.results, word), predicted_against_observed(spread.results, word)
    return values, expected, coverage_plot(calibration(spread.results))


def _caption(spread: Spread) -> str:
    return spread_caption(len(spread.results), spread.step, spread.size)
