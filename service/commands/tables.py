"""Answers of a server as tables for people."""

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from svge_client import (
    Curve,
    DecodedPoint,
    Heartbeat,
    Latent,
    LatentMap,
    Model,
    Prediction,
    ProgressPage,
    Space,
    StudiesPage,
    Study,
    Trial,
    TrialHistory,
    TrialsPage,
)
from svge_client.values import Architecture

_YIELDING = ("operations", "models", "tags", "reason", "trials", "mean")


def cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def rows(heads: Sequence[str], values: Sequence[Sequence[Any]]) -> Table:
    """What is copied from a table, ids above all, stays whole; what may be long gives way."""
    texts = [[cell(value) for value in row] for row in values]
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for head, *column in zip(heads, *texts, strict=True):
        widest = max(map(len, [head, *column]))
        table.add_column(head, overflow="fold", width=None if head in _YIELDING else widest)
    for row in texts:
        table.add_row(*map(Text, row))
    return table


def fields(values: dict[str, Any]) -> Table:
    """Names and values, those that are there."""
    table = Table.grid(padding=(0, 2))
    for name, value in values.items():
        if value not in (None, "", (), {}):
            table.add_row(Text(name, style="bold"), Text(cell(value)))
    return table


def counts(study: Study) -> str:
    return ", ".join(f"{count} {state}" for state, count in study.trials.items() if count)


def study_fields(study: Study) -> Table:
    goal = study.objective if study.objectives is None else ", ".join(f"{d} {name}" for name, d in study.objectives.items())
    return fields(
        {
            "study": study.name,
            "space": study.space,
            "objective": goal,
            "limits": ", ".join(f"{name} <= {limit}" for name, limit in study.limits.items()),
            "strategy": study.document.get("strategy"),
            "budget": study.max_trials,
            "trials": counts(study),
            "best value": study.best_value,
            "lease": f"{study.lease_seconds} s",
            "model": (study.model_hash or "")[:16],
            "closed": study.closed_at,
            "tags": ", ".join(study.tags),
            "note": study.note,
        }
    )


def studies_table(page: StudiesPage) -> RenderableType:
    table = rows(
        ("study", "space", "objective", "trials", "best value", "closed", "tags"),
        [(s.name, s.space, s.objective, counts(s), s.best_value, s.closed_at and "yes", ", ".join(s.tags)) for s in page.studies],
    )
    return _paged(table, page.next_cursor)


def trials_table(trials: Sequence[Trial]) -> Table:
    return rows(
        ("number", "id", "state", "value", "operations"),
        [(t.number, t.id, t.state, _values(t), short(t.architecture)) for t in trials],
    )


def trials_page(page: TrialsPage) -> RenderableType:
    return _paged(trials_table(page.trials), page.next_cursor)


def trial_fields(trial: Trial) -> Table:
    graph = trial.architecture
    return fields(
        {
            "trial": trial.id,
            "study": trial.study,
            "number": trial.number,
            "state": trial.state,
            "attempt": trial.attempt,
            "value": _values(trial),
            "std": trial.std,
            "reason": trial.reason,
            "worker": trial.worker,
            "source": trial.source,
            "predicted": None if trial.predicted_mean is None else f"{cell(trial.predicted_mean)} ± {cell(trial.predicted_std)}",
            "nodes": " ".join(graph.nodes),
            "edges": " ".join(f"{source}-{target}" for source, target in graph.edges),
            "parameters": trial.parameters,
            "multiply-adds": trial.multiply_adds,
            "tags": ", ".join(trial.tags),
            "note": trial.note,
        }
    )


def history(found: TrialHistory) -> RenderableType:
    attempts = [(a.attempt, a.worker, a.started_at, a.ended_at, a.outcome) for a in found.attempts]
    reports = [
        (o.attempt, o.status, o.value, o.step, o.reason, "late" if o.late else "", o.received_at) for o in found.observations
    ]
    return Group(
        trial_fields(found.trial),
        rows(("attempt", "worker", "started", "ended", "outcome"), attempts),
        rows(("attempt", "report", "value", "step", "reason", "", "received"), reports),
    )


def progress(page: ProgressPage) -> RenderableType:
    steps = [(step.attempt, step.step, step.value, step.received_at) for step in page.progress]
    return _paged(rows(("attempt", "step", "value", "received"), steps), page.next_cursor)


def heartbeat(answer: Heartbeat) -> Table:
    said: list[tuple[Any, ...]] = [(trial, "renewed", until) for trial, until in answer.renewed.items()]
    said += [(trial, "lost", reason) for trial, reason in answer.lost.items()]
    said += [(trial, "should stop", reason) for trial, reason in answer.stop.items()]
    return rows(("trial", "lease", "reason"), said)


def curve_table(curve: Curve) -> Table:
    steps = [(one.evaluations, one.value, one.number, one.trial) for one in curve.improvements]
    return rows((f"of {curve.evaluations} completed", "best value", "number", "trial"), steps)


def latent_map(found: LatentMap) -> RenderableType:
    along_x, along_y = found.explained
    placed = [(trial.number, trial.state, trial.value, trial.x, trial.y) for trial in found.trials]
    return Group(
        rows(("number", "state", "value", "x", "y"), placed),
        Text(f"beside {len(found.sample)} random architectures; x and y explain {along_x:.0%} and {along_y:.0%} of the variance"),
    )


def spaces_table(spaces: Sequence[Space]) -> Table:
    return rows(
        ("space", "architectures", "largest", "operations", "models"),
        [
            (s.name, f"{s.size:,}" if s.size else "not known", f"{s.max_nodes} nodes", ", ".join(s.operations), ", ".join(s.models))
            for s in spaces
        ],
    )


def models_table(models: Sequence[Model]) -> Table:
    return rows(("model", "space", "latent size", "hash"), [(m.name, m.space, m.latent_size, m.hash[:16]) for m in models])


def latents_table(latents: Sequence[Latent]) -> Table:
    found = [(latent.canonical_id[:16], " ".join(cell(number) for number in latent.mean)) for latent in latents]
    return rows(("canonical id", "mean"), found)


def predictions_table(predictions: Sequence[Prediction]) -> Table:
    return rows(
        ("canonical id", "mean", "std", "acquisition", "trial"),
        [(p.canonical_id[:16], p.predicted_mean, p.predicted_std, p.acquisition_value, p.trial) for p in predictions],
    )


def decodings_table(points: Sequence[DecodedPoint]) -> Table:
    return rows(
        ("point", "share", "operations", "distance", "predicted", "trial"),
        [
            (index, d.frequency, short(d.architecture), d.round_trip_distance, d.predicted_mean, d.trial)
            for index, point in enumerate(points)
            for d in point.decodings
        ],
    )


def short(graph: Architecture) -> str:
    """The operations of an architecture, without its ends."""
    return " ".join(graph.nodes[1:-1])


def _values(trial: Trial) -> str:
    if trial.values is None:
        return cell(trial.value)
    return ", ".join(f"{name} {cell(value)}" for name, value in trial.values.items())


def _paged(table: Table, cursor: str | None) -> RenderableType:
    return table if cursor is None else Group(table, Text(f"more: --cursor {cursor}"))
