"""The page that lays curves of studies over each other, and architectures side by side."""

from collections.abc import Mapping, Sequence

import anyio.to_thread
from dash import Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from models.architectures.edit_distance import edit_distance
from models.networks.costs.published_cost import has_costs, published_cost
from service.dashboard.figures.curves import NamedCurve, best_so_far
from service.dashboard.pages.trial import alternative
from service.dashboard.paths import study_path, trial_path
from service.dashboard.visit import here
from service.dashboard.widgets import Content, card, choice, drawing, facts, graph, notice, page, table
from service.dashboard.wording import count, goal, number, with_deviation
from service.storage.values import Trial, TrialState
from service.studies import overview
from service.studies.curve import curve
from service.studies.history import read_trial
from service.studies.lifecycle import StudySummary, best_trials, read_study

_MOST_OFFERED = 50
_MOST_TRIALS = 6
_BEST_OF_EACH = 10
_ASK = "Choose two or more studies."
_ASK_TRIALS = "Choose two or more trials; those offered are the best of the chosen studies."


async def content(query: Mapping[str, str]) -> Component:
    """The page for the `studies` and `trials` of an address, each separated by commas."""
    chosen = [name for name in query.get("studies", "").split(",") if name]
    trials = [trial for trial in query.get("trials", "").split(",") if trial][:_MOST_TRIALS]
    chosen = await overview.existing_studies(here(), chosen)
    names = await find_studies("", chosen)
    search = dcc.Input(id="compared-search", type="search", debounce=0.3, autoComplete="off")
    studies = [
        html.Div([html.Label("Find studies by name", htmlFor="compared-search"), search], className="field search"),
        choice("compared", [(name, name) for name in names], chosen, "Studies", several=True),
    ]
    offered = await offer_trials(chosen, trials)
    architectures = choice("compared-trials", offered, trials, "Trials", several=True)
    return page(
        "Compare",
        card("Studies", *studies, html.Div(await show_studies(chosen), id="curves"), wide=True),
        card("Architectures", architectures, html.Div(await show_trials(trials), id="side-by-side"), wide=True),
    )


def register(app: Dash) -> None:
    studies, trials = Input("compared", "value"), Input("compared-trials", "value")
    searched = (Input("compared-search", "value"), State("compared", "value"))
    app.callback(Output("compared", "options"), *searched, prevent_initial_call=True)(find_studies)
    app.callback(Output("curves", "children"), studies, prevent_initial_call=True)(show_studies)
    app.callback(Output("compared-trials", "options"), studies, trials, prevent_initial_call=True)(offer_options)
    app.callback(Output("side-by-side", "children"), trials, prevent_initial_call=True)(show_trials)


async def find_studies(text: str | None, chosen: Sequence[str] | None) -> list[str]:
    """The newest studies with a text in their names, after those that are chosen already."""
    return list(dict.fromkeys([*(chosen or []), *await overview.search_studies(here(), text or "", _MOST_OFFERED)]))


async def offer_options(studies: Sequence[str] | None, trials: Sequence[str] | None) -> list[dict[str, str]]:
    return [{"label": text, "value": key} for text, key in await offer_trials(studies or [], trials or [])]


async def offer_trials(studies: Sequence[str], chosen: Sequence[str]) -> list[tuple[str, str]]:
    """The best trials of the studies and those that are chosen already, in words and by id."""
    found = [trial for name in studies for trial in await best_trials(here(), name, _BEST_OF_EACH)]
    found += [(await read_trial(here(), trial_id)).trial for trial_id in chosen]
    return list(dict.fromkeys((f"{trial.study} #{trial.number}: {number(trial.value)}", trial.id) for trial in found))


async def show_studies(names: Sequence[str] | None) -> Content:
    """The curves of studies in one plot, and their numbers below it."""
    if not names:
        return notice(_ASK)
    summaries = [await read_study(here(), name) for name in names]
    curves = [NamedCurve(name, await curve(here(), name)) for name in names]
    spaces = {(summary.study.settings.space, goal(summary.study.settings)) for summary in summaries}
    warning = [notice("These studies differ in space or objective, so their values may not compare.")] if len(spaces) > 1 else []
    heads = ("Study", "Space", "Strategy", "Looks for", "Completed", "Best value", "Improved last at")
    rows = [_row(summary, one) for summary, one in zip(summaries, curves, strict=True)]
    figure = await anyio.to_thread.run_sync(best_so_far, curves, "value")
    return [
        *warning,
        graph("compare", figure, "Best values so far"),
        table(heads, rows, "Studies compared", numeric=[4, 5, 6]),
    ]


async def show_trials(trial_ids: Sequence[str] | None) -> Content:
    """Architectures side by side, with how many edits part each from the first."""
    if not trial_ids:
        return notice(_ASK_TRIALS)
    trials = [(await read_trial(here(), trial_id)).trial for trial_id in trial_ids[:_MOST_TRIALS]]
    return html.Ul(await anyio.to_thread.run_sync(_columns, trials), className="columns")


def _row(summary: StudySummary, one: NamedCurve) -> Sequence[Content]:
    study = summary.study
    last = one.curve.improvements[-1].evaluations if one.curve.improvements else None
    return (
        dcc.Link(study.name, href=study_path(study.name)),
        study.settings.space,
        study.settings.strategy,
        goal(study.settings),
        count(summary.counts.get(TrialState.COMPLETED, 0)),
        number(summary.best_value),
        count(last),
    )


def _columns(trials: Sequence[Trial]) -> list[Component]:
    return [
        html.Li([_name(trial), drawing(trial.architecture, alternative(trial)), facts(_facts(trial, trials[0]))])
        for trial in trials
    ]


def _name(trial: Trial) -> Component:
    return html.H3(dcc.Link(f"{trial.study} #{trial.number}", href=trial_path(trial.id)))


def _facts(trial: Trial, first: Trial) -> list[tuple[str, Content]]:
    found: list[tuple[str, Content]] = [("Value", number(trial.value))]
    found.append(("Predicted", with_deviation(trial.origin.predicted_mean, trial.origin.predicted_std)))
    if has_costs(trial.architecture.space):
        found.append(("Parameters", count(published_cost(trial.architecture).parameters)))
    if trial.id != first.id:
        alike = trial.architecture.space == first.architecture.space
        edits = str(edit_distance(first.architecture, trial.architecture)) if alike else "another space"
        found.append(("Edits from the first", edits))
    return found
