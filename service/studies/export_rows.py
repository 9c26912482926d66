"""What the formats of an export share: a trial as a row of plain values. They are in `exports.py` and `parquet.py`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from models.networks.costs.published_cost import has_costs, published_cost
from service.storage.values import Trial

COLUMNS = (
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
    "replicate",
    "parameters",
    "multiply_adds",
    "architecture",
    "created_at",
    "finished_at",
    "note",
    "tags",
)

FORMULA = ("=", "+", "-", "@", "\t", "\r")
QUOTE = "'"
"""Stands in CSV before a text that a spreadsheet would take for a formula; an import takes it away."""


@dataclass(frozen=True, slots=True)
class Pages:
    """A format: a file begins with `head`, `write` gives what the next `size` trials add to it, and `close` what it ends with."""

    size: int
    head: bytes
    write: Callable[[Sequence[Trial]], bytes]
    close: Callable[[], bytes] = bytes


def row_of(trial: Trial) -> dict[str, Any]:
    """The values of a trial, in the order of `COLUMNS`; `values` and `architecture` are JSON objects, times are aware."""
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
        "replicate": trial.replicate,
        "parameters": None if cost is None else cost.parameters,
        "multiply_adds": None if cost is None else cost.multiply_adds,
        "architecture": {"space": graph.space, "nodes": graph.nodes, "edges": graph.edges},
        "created_at": trial.created_at,
        "finished_at": trial.finished_at,
        "note": trial.annotation.note,
        "tags": list(trial.annotation.tags),
    }
