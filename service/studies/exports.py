"""A whole study as CSV or JSON lines, a page at a time, so that its length costs no memory."""

import csv
import io
import json
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any, Literal

from sqlalchemy.orm import Session

from models.networks.costs.published_cost import has_costs, published_cost
from service.storage import trials
from service.storage.values import Study, Trial
from service.studies.context import Context
from service.studies.lifecycle import study_named

ExportFormat = Literal["csv", "jsonl"]

_PAGE = 500


async def export(context: Context, name: str, form: ExportFormat) -> AsyncIterator[str]:
    """The text of the export in pieces, trials in order of their number. Raises `StudyNotFound` before the first piece."""
    study = await context.database.read(partial(study_named, name))
    return _pages(context, study, _csv_text if form == "csv" else _json_lines, header=form == "csv")


async def _pages(context: Context, study: Study, write: Callable[[list[dict[str, Any]]], str], header: bool) -> AsyncIterator[str]:
    if header:
        yield _csv_line(_COLUMNS)
    after = 0
    while page := await context.database.read(partial(_page, study.id, after)):
        yield write([_row(trial) for trial in page])
        after = page[-1].number


def _page(study_id: int, after: int, session: Session) -> list[Trial]:
    return trials.page(session, study_id, None, after, _PAGE)


def _row(trial: Trial) -> dict[str, Any]:
    graph = trial.architecture
    cost = published_cost(graph) if has_costs(graph.space) else None
    return {
        "number": trial.number,
        "id": trial.id,
        "state": str(trial.state),
        "value": trial.value,
        "values": None if trial.values is None else dict(trial.values),
        "std": trial.std,
        "reason": trial.reason,
        "attempt": trial.attempt,
        "worker": trial.worker,
        "source": trial.origin.source,
        "predicted_mean": trial.origin.predicted_mean,
        "predicted_std": trial.origin.predicted_std,
        "acquisition_value": trial.origin.acquisition_value,
        "observations_seen": trial.origin.observations_seen,
        "model_hash": trial.model_hash,
        "canonical_id": trial.canonical_id,
        "parameters": None if cost is None else cost.parameters,
        "multiply_adds": None if cost is None else cost.multiply_adds,
        "architecture": {"space": graph.space, "nodes": graph.nodes, "edges": graph.edges},
        "created_at": trial.created_at.isoformat(),
        "finished_at": None if trial.finished_at is None else trial.finished_at.isoformat(),
    }


_COLUMNS = (
    "number",
    "id",
    "state",
    "value",
    "values",
    "std",
    "reason",
    "attempt",
    "worker",
    "source",
    "predicted_mean",
    "predicted_std",
    "acquisition_value",
    "observations_seen",
    "model_hash",
    "canonical_id",
    "parameters",
    "multiply_adds",
    "architecture",
    "created_at",
    "finished_at",
)


def _json_lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def _csv_text(rows: list[dict[str, Any]]) -> str:
    """One line a trial; the architecture and the values by name are JSON within their fields."""
    return "".join(_csv_line([_csv_field(value) for value in row.values()]) for row in rows)


def _csv_field(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict) else value


def _csv_line(values: Any) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(values)
    return buffer.getvalue()
