"""Between rows of trials and values: how a trial is written, and how it is read with what its study knows."""

import json
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from models.architectures.architecture import Architecture
from service.storage.tables import StudyRow, TrialRow
from service.storage.values import Annotation, Origin, Trial, TrialState

MUTABLE = ("state", "attempt", "worker", "lease_expires_at", "value", "values", "std", "reason", "finished_attempt", "finished_at")
"""What may change in a trial."""


def format_architecture(architecture: Architecture) -> str:
    """The compact JSON under which an architecture is stored; its space is the study's."""
    return json.dumps({"nodes": architecture.nodes, "edges": architecture.edges}, separators=(",", ":"))


def parse_architecture(space: str, text: str) -> Architecture:
    graph = json.loads(text)
    return Architecture(space, tuple(graph["nodes"]), tuple((source, target) for source, target in graph["edges"]))


def row_of(study_id: int, trial: Trial) -> dict[str, Any]:
    origin = trial.origin
    return {
        "id": trial.id,
        "study_id": study_id,
        "number": trial.number,
        "architecture": format_architecture(trial.architecture),
        "canonical_id": trial.canonical_id,
        "source": origin.source,
        "latent": None if origin.latent is None else list(origin.latent),
        "predicted_mean": origin.predicted_mean,
        "predicted_std": origin.predicted_std,
        "acquisition_value": origin.acquisition_value,
        "observations_seen": origin.observations_seen,
        "model_hash": trial.model_hash,
        "created_at": trial.created_at,
        "replicate": trial.replicate,
        **{name: getattr(trial, name) for name in MUTABLE},
    }


def trial_query() -> Select[Any]:
    columns = TrialRow.__table__.c
    return select(*columns, StudyRow.name.label("study"), StudyRow.space).join(StudyRow, StudyRow.id == TrialRow.study_id)


def read_trials(session: Session, query: Select[Any]) -> list[Trial]:
    return [read_trial(row) for row in session.execute(query)]


def read_trial(row: Row[Any]) -> Trial:
    latent = None if row.latent is None else tuple(row.latent)
    origin = Origin(row.source, latent, row.predicted_mean, row.predicted_std, row.acquisition_value, row.observations_seen)
    return Trial(
        id=row.id,
        study=row.study,
        number=row.number,
        state=TrialState(row.state),
        attempt=row.attempt,
        worker=row.worker,
        lease_expires_at=row.lease_expires_at,
        architecture=parse_architecture(row.space, row.architecture),
        canonical_id=row.canonical_id,
        origin=origin,
        model_hash=row.model_hash,
        value=row.value,
        values=row.values,
        std=row.std,
        reason=row.reason,
        finished_attempt=row.finished_attempt,
        created_at=row.created_at,
        finished_at=row.finished_at,
        replicate=row.replicate,
        annotation=Annotation(row.note, tuple(row.tags or ())),
    )
