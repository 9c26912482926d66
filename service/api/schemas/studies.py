"""A study on the wire."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from service.api.schemas.fields import Count, Json, Name, Schema, Seed, StrategyName, StudyName, shown
from service.settings import Settings
from service.storage.values import StudySettings, TrialState
from service.studies.lifecycle import StudySummary

CREATE: Json = {"name": "demo", "space": "nasbench101", "objective": "maximize", "seed": 0}
STUDY: Json = CREATE | {
    "strategy": "svge",
    "initial_size": 10,
    "max_trials": None,
    "lease_seconds": 900,
    "max_attempts": 3,
    "model_hash": "0f6a1e4c6c9d0b7b5f6a3c1e2d7f0c2f0f6a1e4c6c9d0b7b5f6a3c1e2d7f0c2f",
    "created_at": "2026-01-31T12:00:00Z",
    "trials": {"waiting": 0, "running": 1, "completed": 11, "failed": 0, "infeasible": 0, "stopped": 0},
    "best_value": 0.931,
}


class StudyRequest(Schema):
    model_config = shown(CREATE)

    name: StudyName
    space: Name
    objective: Literal["maximize", "minimize"] = "maximize"
    seed: Annotated[Seed, Field(description="One worker, equal seeds and equal observations give equal proposals.")] = 0
    strategy: StrategyName = "svge"
    initial_size: Annotated[
        int,
        Field(
            strict=True, ge=1, le=100_000, description="Observations that tell most about the space, before the surrogate decides."
        ),
    ] = 10
    max_trials: Annotated[Count | None, Field(description="The study never holds more trials than this.")] = None
    lease_seconds: Annotated[
        Annotated[int, Field(strict=True, ge=0, le=10_000_000)] | None,
        Field(description="How long a trial is its worker's after a sign of life; 0 = for ever. Default: the service's."),
    ] = None
    max_attempts: Annotated[
        Annotated[int, Field(strict=True, ge=1, le=1000)] | None,
        Field(description="How often a trial is handed out before it has failed. Default: the service's."),
    ] = None
    model: Annotated[Name | None, Field(description="Name or hash of the checkpoint. Default: the space's.")] = None

    def study_settings(self, settings: Settings) -> StudySettings:
        return StudySettings(
            name=self.name,
            space=self.space,
            objective=self.objective,
            seed=self.seed,
            strategy=self.strategy,
            initial_size=self.initial_size,
            max_trials=self.max_trials,
            lease_seconds=settings.lease_seconds if self.lease_seconds is None else self.lease_seconds,
            max_attempts=settings.max_attempts if self.max_attempts is None else self.max_attempts,
            model_hash="",
        )


class StudySchema(Schema):
    """`trials` counts them by state; `best_value` is null while none is completed."""

    model_config = shown(STUDY)

    name: str
    space: str
    objective: Literal["maximize", "minimize"]
    seed: int
    strategy: StrategyName
    initial_size: int
    max_trials: int | None
    lease_seconds: int
    max_attempts: int
    model_hash: str
    created_at: datetime
    trials: dict[TrialState, int]
    best_value: float | None


class StudiesAnswer(Schema):
    """`next_cursor` is null on the last page."""

    studies: list[StudySchema]
    next_cursor: str | None


def study_schema(summary: StudySummary) -> StudySchema:
    settings = summary.study.settings
    return StudySchema(
        name=settings.name,
        space=settings.space,
        objective=settings.objective,
        seed=settings.seed,
        strategy=settings.strategy,
        initial_size=settings.initial_size,
        max_trials=settings.max_trials,
        lease_seconds=settings.lease_seconds,
        max_attempts=settings.max_attempts,
        model_hash=settings.model_hash,
        created_at=summary.study.created_at,
        trials={state: summary.counts.get(state, 0) for state in TrialState},
        best_value=summary.best_value,
    )
