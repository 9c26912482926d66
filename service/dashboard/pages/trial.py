"""The page of one trial: its architecture, what was expected of it and what came out, its history, and what is like it."""

from collections.abc import Sequence

import anyio.to_thread
from dash import Dash, dcc, html
from dash.development.base_component import Component

from models.networks.costs.published_cost import has_costs, published_cost
from models.networks.source.network_source import SPACES
from service.dashboard.figures.progress import training_curves
from service.dashboard.paths import compare_path, studies_path, study_path, trial_path
from service.dashboard.visit import here
from service.dashboard.widgets import Content, badge, card, drawing, facts, graph, notice, page, table
from service.dashboard.wording import instant, number, plural, short, value_name, with_deviation
from service.storage.values import StudySettings, Trial
from service.studies.history import TrialHistory, read_trial
from service.studies.lifecycle import read_study
from service.studies.progress import list_progress
from service.studies.similar import Neighbour, similar_trials

_SIMILAR = 6
_MOST_STEPS = 2000
_FORMS = (("PyTorch", "python", "py"), ("JSON", "json", "json"), ("DOT", "dot", "dot"), ("SVG", "svg", "svg"))


async def content(trial_id: str) -> tuple[str, Component]:
    """The title and the page. Raises `TrialNotFound`."""
    history = await read_trial(here(), trial_id)
    trial = history.trial
    settings = (await read_study(here(), trial.study)).study.settings
    points = await list_progress(here(), trial_id, (0, -1), _MOST_STEPS)
    alike = await similar_trials(here(), trial.study, trial.architecture, _SIMILAR)
    picture = await anyio.to_thread.run_sync(drawing, trial.architecture, alternative(trial))
    gallery = await anyio.to_thread.run_sync(_gallery, trial, alike)
    word = value_name(settings)
    progress = []
    if points:
        figure = await anyio.to_thread.run_sync(training_curves, points, word)
        plot = graph("training", figure, "Values while training", height=260)
        cut = f"The first {_MOST_STEPS:,} steps." if len(points) == _MOST_STEPS else None
        progress = [card("Training", plot, wide=True, caption=cut)]
    shown = [
        card("Architecture", html.Div(picture, className="canvas"), _exports(trial)),
        html.Div(
            [card("Numbers", facts(_numbers(trial, settings))), card("Provenance", facts(_provenance(trial)))], className="stack"
        ),
        *progress,
        card("Similar trials", gallery, wide=True, caption=f"Of the best and the newest trials of '{trial.study}'."),
        card("Attempts", _attempts(history)),
        card("Reports", _reports(history)),
    ]
    title = f"Trial #{trial.number}"
    heading = [title, " ", html.Span([badge(trial.state.value, trial.state.value)], className="badges")]
    trail = [("Studies", studies_path()), (trial.study, study_path(trial.study))]
    return f"{title} of {trial.study}", page(heading, html.Div(shown, className="grid"), trail=trail)


def register(app: Dash) -> None:
    """The page has no callbacks of its own."""


def alternative(trial: Trial) -> str:
    """The architecture in words, for who cannot see its picture."""
    nodes = [f"{place} {label}" for place, label in enumerate(trial.architecture.nodes)]
    edges = [f"{source} to {target}" for source, target in trial.architecture.edges]
    return f"Graph of trial {trial.number}. Nodes: {', '.join(nodes)}. Edges: {', '.join(edges)}."


def surprise(trial: Trial) -> str | None:
    """How far the value lies from what was expected, in standard deviations; None where one of them is not known."""
    mean, std = trial.origin.predicted_mean, trial.origin.predicted_std
    if trial.value is None or mean is None or not std:
        return None
    distance = (trial.value - mean) / std
    return f"{short(abs(distance))} standard deviations {'above' if distance > 0 else 'below'}"


def _numbers(trial: Trial, settings: StudySettings) -> list[tuple[str, Content]]:
    found: list[tuple[str, Content]] = [(f"Observed {value_name(settings)}", number(trial.value))]
    found += [(f"Observed {name}", number(value)) for name, value in (trial.values or {}).items() if name != value_name(settings)]
    found += [("Standard error", number(trial.std))] if trial.std is not None else []
    found.append(("Predicted", with_deviation(trial.origin.predicted_mean, trial.origin.predicted_std)))
    found += [("Surprise", text)] if (text := surprise(trial)) else []
    if has_costs(trial.architecture.space):
        cost = published_cost(trial.architecture)
        found += [("Parameters", f"{cost.parameters:,}"), ("Multiply-adds", f"{cost.multiply_adds:,}")]
    found.append(("Nodes, edges", f"{trial.architecture.num_nodes}, {len(trial.architecture.edges)}"))
    found += [("Reason", trial.reason)] if trial.reason else []
    return found


def _provenance(trial: Trial) -> list[tuple[str, Content]]:
    origin = trial.origin
    found: list[tuple[str, Content]] = [("Source", origin.source), ("Observations known then", f"{origin.observations_seen:,}")]
    found += [("Acquisition value", number(origin.acquisition_value))] if origin.acquisition_value is not None else []
    found += [("Replicate", str(trial.replicate))] if trial.replicate else []
    found += [
        ("Worker", trial.worker or "none"),
        ("Created", instant(trial.created_at)),
        ("Finished", instant(trial.finished_at)),
        ("Canonical id", html.Code(trial.canonical_id, className="hash")),
        ("Checkpoint", html.Code(trial.model_hash, className="hash")),
        ("Id", html.Code(trial.id, className="hash")),
    ]
    found += [("Note", trial.annotation.note)] if trial.annotation.note else []
    found += [("Tags", [badge(tag) for tag in trial.annotation.tags])] if trial.annotation.tags else []
    return found


def _exports(trial: Trial) -> Component:
    forms = [form for form in _FORMS if form[1] != "python" or trial.architecture.space in SPACES]
    links = [
        html.A(
            name, href=f"/trials/{trial.id}?format={form}", download=f"{trial.study}-{trial.number}.{ending}", className="button"
        )
        for name, form, ending in forms
    ]
    return html.Div(links, className="row", role="group", **{"aria-label": "Download the architecture"})


def _gallery(trial: Trial, alike: Sequence[Neighbour]) -> Component:
    if not alike:
        return notice("The study has no other trials yet.")
    items = []
    for neighbour in alike:
        other = neighbour.trial
        edits = plural(neighbour.distance, "edit")
        items.append(
            html.Li(
                [
                    dcc.Link([drawing(other.architecture, f"Trial {other.number}", small=True)], href=trial_path(other.id)),
                    html.Span([html.Strong(f"#{other.number}"), f" {number(other.value)}"]),
                    html.Small([f"{edits}, ", dcc.Link("compare", href=compare_path(trials=[trial.id, other.id]))]),
                ]
            )
        )
    return html.Ul(items, className="gallery")


def _attempts(history: TrialHistory) -> Component:
    if not history.attempts:
        return notice("Nobody was given this trial.")
    rows = [
        (str(one.attempt), one.worker, instant(one.started_at), instant(one.ended_at), one.outcome or "running")
        for one in history.attempts
    ]
    return table(["Attempt", "Worker", "Started", "Ended", "Outcome"], rows, "Attempts")


def _reports(history: TrialHistory) -> Component:
    if not history.observations:
        return notice("Nothing was reported yet.")
    rows = [
        (
            instant(one.received_at),
            str(one.attempt),
            one.outcome.status.value + (" (late)" if one.late else ""),
            number(one.outcome.value),
            one.outcome.reason or "",
        )
        for one in history.observations
    ]
    return table(["Received", "Attempt", "Status", "Value", "Reason"], rows, "Reports", numeric=[3])
