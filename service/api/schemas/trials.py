"""A trial on the wire, with or without its history."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from models.networks.costs.published_cost import has_costs, published_cost
from models.spaces.registry import native_form
from service.api.schemas.architectures import CELL, NATIVE, CanonicalArchitecture, Native, architecture_schema
from service.api.schemas.fields import Count, Json, Schema, shown
from service.storage.values import StoredProgress, Trial, TrialSource, TrialState
from service.studies.history import TrialHistory

TRIAL_ID = "7f0c2f0f6a1e4c6c9d0b7b5f6a3c1e2d"
RUNNING: Json = {
    "id": TRIAL_ID,
    "study": "demo",
    "number": 12,
    "attempt": 1,
    "state": "running",
    "worker": "gpu-7",
    "lease_expires_at": "2026-01-31T12:15:00Z",
    "architecture": CELL,
    "native": NATIVE,
    "canonical_id": "b269d0c04ca0c0b296c9ad5abf9b81aa3ea6403473299a684f52fade13ed3345",
    "latent": [0.1, -0.3, 1.2],
    "source": "acquisition",
    "predicted_mean": 0.93,
    "predicted_std": 0.01,
    "acquisition_value": -4.2,
    "observations_seen": 11,
    "model_hash": "0f6a1e4c6c9d0b7b5f6a3c1e2d7f0c2f0f6a1e4c6c9d0b7b5f6a3c1e2d7f0c2f",
    "parameters": 11051402,
    "multiply_adds": 1630934016,
    "value": None,
    "values": None,
    "std": None,
    "reason": None,
    "replicate": 0,
    "note": None,
    "tags": [],
    "created_at": "2026-01-31T12:00:00Z",
    "finished_at": None,
}
WAITING: Json = RUNNING | {
    "state": "waiting",
    "attempt": 0,
    "worker": None,
    "lease_expires_at": None,
    "latent": None,
    "source": "enqueued",
    "predicted_mean": None,
    "predicted_std": None,
    "acquisition_value": None,
    "observations_seen": 0,
}
COMPLETED: Json = RUNNING | {"state": "completed", "lease_expires_at": None, "value": 0.931, "finished_at": "2026-01-31T12:10:00Z"}
ATTEMPT: Json = {
    "attempt": 1,
    "worker": "gpu-7",
    "started_at": "2026-01-31T12:00:00Z",
    "ended_at": "2026-01-31T12:10:00Z",
    "outcome": "completed",
}
OBSERVATION: Json = {
    "attempt": 1,
    "status": "completed",
    "value": 0.931,
    "values": None,
    "std": None,
    "reason": None,
    "metrics": {"seconds": 340.0},
    "step": 12,
    "late": False,
    "received_at": "2026-01-31T12:10:00Z",
}
PROGRESS: Json = {"attempt": 1, "step": 9, "value": 0.61, "received_at": "2026-01-31T12:07:00Z"}


class TrialSchema(Schema):
    """One architecture of a study. `attempt` counts how often it was handed out, and goes back with the observation."""

    model_config = shown(RUNNING)

    id: str
    study: str
    number: Annotated[int, Field(description="Counts the trials of the study from 1.")]
    attempt: Annotated[int, Field(description="0 for a result from elsewhere, which was never handed out.")]
    state: TrialState
    worker: str | None
    lease_expires_at: Annotated[datetime | None, Field(description="None where the lease does not run out, or nobody holds one.")]
    architecture: CanonicalArchitecture
    native: Native
    canonical_id: Annotated[str, Field(description="Equal for isomorphic architectures, and only for them.")]
    latent: Annotated[
        list[float] | None,
        Field(
            description="The latent point, in the space of the checkpoint `model_hash`; null for trials that it did not propose."
        ),
    ]
    source: TrialSource
    predicted_mean: float | None
    predicted_std: float | None
    acquisition_value: Annotated[
        float | None,
        Field(description="What it was chosen by; with the strategy 'svge' the logarithm of the expected improvement."),
    ]
    observations_seen: Annotated[int, Field(description="How many observations the proposal was based on; of a long study a part.")]
    model_hash: str
    parameters: Annotated[
        int | None, Field(description="Trainable parameters at the published size; null for spaces without networks.")
    ]
    multiply_adds: Annotated[int | None, Field(description="Of convolutions and dense layers for one 32 x 32 colour image.")]
    value: Annotated[float | None, Field(description="Of the first observed objective where there are several.")]
    values: Annotated[dict[str, float] | None, Field(description="By objective where these have names, costs not with them.")]
    std: float | None
    reason: str | None
    replicate: Annotated[int, Field(description="0 for the first trial of an architecture, then counted.")]
    note: str | None
    tags: list[str]
    created_at: datetime
    finished_at: datetime | None


class AttemptSchema(Schema):
    """One time that a trial was handed out. `outcome` is a trial state, `expired` or `superseded`; null while it runs."""

    model_config = shown(ATTEMPT)

    attempt: int
    worker: str
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None


class ObservationSchema(Schema):
    """One report as it came in. A `late` one came after another attempt had finished the trial, and did not change it."""

    model_config = shown(OBSERVATION)

    attempt: int
    status: TrialState
    value: float | None
    values: dict[str, float] | None
    std: float | None
    reason: str | None
    metrics: Mapping[str, Any] | None
    step: int | None
    late: bool
    received_at: datetime


class ReplicateRequest(Schema):
    model_config = shown({"count": 1})

    count: Annotated[Count, Field(description="How many more trials of the architecture.")] = 1


class ProgressSchema(Schema):
    """The value of one attempt after a step, as it came with a heartbeat."""

    model_config = shown(PROGRESS)

    attempt: int
    step: int
    value: float
    received_at: datetime


class TrialAnswer(Schema):
    trial: TrialSchema


class TrialsAnswer(Schema):
    trials: list[TrialSchema]


class ParetoAnswer(Schema):
    """`size` is how many trials there are on the front; `trials` are the first of them."""

    trials: list[TrialSchema]
    size: int


class TrialsPage(Schema):
    """`next_cursor` is null on the last page, and with `since`. `next_since` given as `since` lists what changes after this page;
    who reads several pages takes that of the first.
    """

    trials: list[TrialSchema]
    next_cursor: str | None
    next_since: str


class ProgressPage(Schema):
    """`next_cursor` is null on the last page."""

    progress: list[ProgressSchema]
    next_cursor: str | None


class TrialHistoryAnswer(Schema):
    trial: TrialSchema
    attempts: list[AttemptSchema]
    observations: list[ObservationSchema]


def trial_schema(trial: Trial) -> TrialSchema:
    origin = trial.origin
    cost = published_cost(trial.architecture) if has_costs(trial.architecture.space) else None
    return TrialSchema(
        id=trial.id,
        study=trial.study,
        number=trial.number,
        attempt=trial.attempt,
        state=trial.state,
        worker=trial.worker,
        lease_expires_at=trial.lease_expires_at,
        architecture=architecture_schema(trial.architecture),
        native=native_form(trial.architecture),
        canonical_id=trial.canonical_id,
        latent=None if origin.latent is None else list(origin.latent),
        source=origin.source,
        predicted_mean=origin.predicted_mean,
        predicted_std=origin.predicted_std,
        acquisition_value=origin.acquisition_value,
        observations_seen=origin.observations_seen,
        model_hash=trial.model_hash,
        parameters=None if cost is None else cost.parameters,
        multiply_adds=None if cost is None else cost.multiply_adds,
        value=trial.value,
        values=None if trial.values is None else dict(trial.values),
        std=trial.std,
        reason=trial.reason,
        replicate=trial.replicate,
        note=trial.annotation.note,
        tags=list(trial.annotation.tags),
        created_at=trial.created_at,
        finished_at=trial.finished_at,
    )


def history_schema(history: TrialHistory) -> TrialHistoryAnswer:
    return TrialHistoryAnswer(
        trial=trial_schema(history.trial),
        attempts=[
            AttemptSchema(attempt=a.attempt, worker=a.worker, started_at=a.started_at, ended_at=a.ended_at, outcome=a.outcome)
            for a in history.attempts
        ],
        observations=[
            ObservationSchema(
                attempt=o.attempt,
                status=o.outcome.status,
                value=o.outcome.value,
                values=None if o.outcome.values is None else dict(o.outcome.values),
                std=o.outcome.std,
                reason=o.outcome.reason,
                metrics=o.metrics,
                step=o.outcome.step,
                late=o.late,
                received_at=o.received_at,
            )
            for o in history.observations
        ],
    )


def progress_schema(progress: StoredProgress) -> ProgressSchema:
    return ProgressSchema(attempt=progress.attempt, step=progress.step, value=progress.value, received_at=progress.received_at)
