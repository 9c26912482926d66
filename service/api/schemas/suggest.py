"""What a trainer sends and gets while it works: suggest and heartbeat. Its results are `observe.py`."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from service.api.schemas.fields import MAX_ENTRIES, Count, Finite, Json, Name, Schema, StrategyName, TrialId, shown
from service.api.schemas.trials import RUNNING, TRIAL_ID, TrialSchema
from service.studies.leases import Heartbeat

SUGGEST: Json = {"study": "demo", "worker": "gpu-7", "count": 1}
SUGGESTION: Json = {"trials": [RUNNING], "reason": None}
HEARTBEAT: Json = {"worker": "gpu-7", "trials": [TRIAL_ID]}
BEAT: Json = {"renewed": [{"trial": TRIAL_ID, "attempt": 1, "lease_expires_at": "2026-01-31T12:25:00Z"}], "lost": [], "stop": []}


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


class HeartbeatRequest(Schema):
    model_config = shown(HEARTBEAT)

    worker: Name
    trials: Annotated[list[TrialId], Field(max_length=MAX_ENTRIES)]


class Renewed(Schema):
    trial: str
    attempt: int
    lease_expires_at: datetime | None


class Ended(Schema):
    trial: str
    reason: str


class HeartbeatAnswer(Schema):
    """`lost` trials are held by another worker or by nobody; those under `stop` have their result already."""

    model_config = shown(BEAT)

    renewed: list[Renewed]
    lost: list[Ended]
    stop: list[Ended]


def heartbeat_schema(heartbeat: Heartbeat) -> HeartbeatAnswer:
    return HeartbeatAnswer(
        renewed=[Renewed(trial=t.id, attempt=t.attempt, lease_expires_at=t.lease_expires_at) for t in heartbeat.renewed],
        lost=[Ended(trial=trial, reason=reason) for trial, reason in heartbeat.lost],
        stop=[Ended(trial=trial, reason=reason) for trial, reason in heartbeat.stop],
    )
