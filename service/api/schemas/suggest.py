"""What a trainer sends and gets while it works: suggest and heartbeat. Its results are `observe.py`."""

from datetime import datetime
from functools import partial
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from service.api.schemas.fields import (
    MAX_ENTRIES,
    Attempt,
    Count,
    Finite,
    Json,
    Name,
    Schema,
    Step,
    StrategyName,
    TrialId,
    at_most,
    shown,
)
from service.api.schemas.trials import RUNNING, TRIAL_ID, TrialSchema
from service.studies.leases import Heartbeat
from service.studies.progress import ProgressReport

SUGGEST: Json = {"study": "demo", "worker": "gpu-7", "count": 1}
SUGGESTION: Json = {"trials": [RUNNING], "reason": None}
HEARTBEAT: Json = {"worker": "gpu-7", "trials": [TRIAL_ID]}
WITH_PROGRESS: Json = {"worker": "gpu-7", "progress": [{"trial": TRIAL_ID, "attempt": 1, "step": 9, "value": 0.61}]}
BEAT: Json = {
    "renewed": [{"trial": TRIAL_ID, "attempt": 1, "lease_expires_at": "2026-01-31T12:25:00Z"}],
    "lost": [],
    "stop": [{"trial": TRIAL_ID, "reason": "step 9: 0.61 is below the median 0.68 of 7 trials"}],
    "dropped": [],
}


class SuggestRequest(Schema):
    """A worker that asks again gets the trials that it holds first, then new ones up to `count`."""

    model_config = shown(SUGGEST)

    study: Name
    worker: Annotated[Name, Field(description="Names the asker; a restarted trainer with the same name gets its trial again.")]
    count: Count = 1
    wait: Annotated[
        Annotated[Finite, Field(ge=0)] | None,
        Field(description="Longest wait for a fresh proposal, in seconds; the rest is then random, with source 'fallback'."),
    ] = None
    max_nodes: Annotated[
        Annotated[int, Field(strict=True, ge=2, le=256)] | None,
        Field(description="Proposes larger architectures than the model was trained on, up to so many nodes."),
    ] = None
    strategy: Annotated[StrategyName | None, Field(description="Instead of the study's own strategy, for this request.")] = None


class SuggestAnswer(Schema):
    """`reason` says why there are fewer trials than asked for, where that is so."""

    model_config = shown(SUGGESTION)

    trials: list[TrialSchema]
    reason: str | None


class ProgressEntry(Schema):
    """The value of the first observed objective after a step: an epoch, say. Steps count from 1."""

    trial: TrialId
    attempt: Attempt
    step: Step
    value: Finite


class HeartbeatRequest(Schema):
    """`trials` and those that `progress` names are renewed."""

    model_config = shown(HEARTBEAT, WITH_PROGRESS)

    worker: Name
    trials: Annotated[list[TrialId], Field(max_length=MAX_ENTRIES)] = []
    progress: Annotated[
        list[ProgressEntry],
        Field(max_length=MAX_ENTRIES, fail_fast=True, description="Intermediate values. The same one again changes nothing."),
        BeforeValidator(partial(at_most, MAX_ENTRIES)),
    ] = []

    @model_validator(mode="after")
    def _of_something(self) -> Self:
        if not self.model_fields_set & {"trials", "progress"}:
            raise ValueError("expected 'trials' or 'progress', got neither; name the trials whose leases are to be renewed")
        return self

    def reports(self) -> list[ProgressReport]:
        return [ProgressReport(entry.trial, entry.attempt, entry.step, entry.value) for entry in self.progress]


class Renewed(Schema):
    trial: str
    attempt: int
    lease_expires_at: datetime | None


class Ended(Schema):
    trial: str
    reason: str


class Dropped(Schema):
    trial: str
    attempt: int
    step: int
    reason: str


class HeartbeatAnswer(Schema):
    """`lost` trials are held by another worker or by nobody. Those under `stop` have their result already, or should be ended early
    by the study's rule: then their lease is renewed all the same. `dropped` are the reports of `progress` that were not stored.
    """

    model_config = shown(BEAT)

    renewed: list[Renewed]
    lost: list[Ended]
    stop: list[Ended]
    dropped: list[Dropped]


def heartbeat_schema(heartbeat: Heartbeat) -> HeartbeatAnswer:
    return HeartbeatAnswer(
        renewed=[Renewed(trial=t.id, attempt=t.attempt, lease_expires_at=t.lease_expires_at) for t in heartbeat.renewed],
        lost=[Ended(trial=trial, reason=reason) for trial, reason in heartbeat.lost],
        stop=[Ended(trial=trial, reason=reason) for trial, reason in heartbeat.stop],
        dropped=[
            Dropped(trial=report.trial, attempt=report.attempt, step=report.step, reason=reason)
            for report, reason in heartbeat.dropped
        ],
    )
