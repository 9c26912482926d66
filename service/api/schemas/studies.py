"""A study on the wire."""

from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from models.search.proposal import MAX_OBJECTIVES, Direction, Limits
from service.api.schemas.architectures import CELL, ArchitectureSchema
from service.api.schemas.fields import (
    MAX_ENTRIES,
    Count,
    Json,
    Name,
    ObjectiveName,
    Schema,
    Seed,
    Step,
    StrategyName,
    StudyName,
    at_most,
    shown,
)
from service.settings import Settings
from service.storage.values import AshaRule, MedianRule, NamedObjective, StoppingRule, StudySettings, TrialState
from service.studies.lifecycle import StudySummary

Limit = Annotated[int, Field(strict=True, ge=1, lt=2**63)]
Objectives = Annotated[
    dict[ObjectiveName, Direction],
    Field(min_length=1, max_length=MAX_OBJECTIVES),
    BeforeValidator(partial(at_most, MAX_OBJECTIVES)),
]

CREATE: Json = {"name": "demo", "space": "nasbench101", "objective": "maximize", "seed": 0}
TRADE_OFFS: Json = {
    "name": "small-and-good",
    "space": "nasbench201",
    "objectives": {"accuracy": "maximize", "parameters": "minimize"},
    "limits": {"parameters": 2_000_000},
}
ASHA: Json = {"rule": "asha", "min_step": 1, "reduction_factor": 3, "max_step": 50}
MEDIAN: Json = {"rule": "median", "min_step": 3, "min_trials": 5, "max_step": 50}
PIN: Json = {"model": "nasbench101_triplet"}
ENQUEUE: Json = {"architectures": [CELL]}
STUDY: Json = CREATE | {
    "strategy": "svge",
    "initial_size": 10,
    "max_trials": None,
    "lease_seconds": 900,
    "max_attempts": 3,
    "objectives": None,
    "limits": None,
    "stopping": None,
    "model_hash": "0f6a1e4c6c9d0b7b5f6a3c1e2d7f0c2f0f6a1e4c6c9d0b7b5f6a3c1e2d7f0c2f",
    "created_at": "2026-01-31T12:00:00Z",
    "closed_at": None,
    "note": None,
    "tags": [],
    "trials": {"waiting": 0, "running": 1, "completed": 11, "failed": 0, "infeasible": 0, "stopped": 0},
    "best_value": 0.931,
}


class LimitsSchema(Schema):
    """The most that a proposed network may cost at the published size of its space; null is no limit."""

    model_config = shown({"parameters": 2_000_000, "multiply_adds": None})

    parameters: Annotated[Limit | None, Field(description="Trainable parameters.")] = None
    multiply_adds: Annotated[
        Limit | None,
        Field(description="Multiply-adds of convolutions and dense layers for one image, half of the floating-point operations."),
    ] = None


class StoppingSchema(Schema):
    """When a heartbeat advises to end a trial early. Each rule has one parameter of its own, which the other does not take."""

    model_config = shown(ASHA, MEDIAN)

    rule: Literal["median", "asha"]
    min_step: Annotated[Step, Field(description="No trial is stopped before this step; the first rung of 'asha'.")] = 1
    min_trials: Annotated[
        Annotated[int, Field(strict=True, ge=1, le=1000)] | None,
        Field(description="Of 'median': how many other trials must have reported at the step. Default: 5."),
    ] = None
    reduction_factor: Annotated[
        Annotated[int, Field(strict=True, ge=2, le=1000)] | None,
        Field(description="Of 'asha': of so many trials at a rung one goes on, to a rung so many times as far. Default: 3."),
    ] = None

    max_step: Annotated[
        Step | None, Field(description="The steps of a whole training. From it on no trial is stopped: its value is its result.")
    ] = None

    @model_validator(mode="after")
    def _parameters_fit(self) -> Self:
        name, value = ("min_trials", self.min_trials) if self.rule == "asha" else ("reduction_factor", self.reduction_factor)
        if value is not None:
            raise ValueError(f"the rule '{self.rule}' has no '{name}'; leave it out")
        if self.max_step is not None and self.max_step <= self.min_step:
            raise ValueError(f"expected a max_step above the min_step of {self.min_step}, got {self.max_step}; correct one of them")
        return self

    def stopping_rule(self) -> StoppingRule:
        given = {name: value for name, value in self.model_dump(exclude={"rule"}).items() if value is not None}
        return MedianRule(**given) if self.rule == "median" else AshaRule(**given)


class StudyRequest(Schema):
    model_config = shown(CREATE, TRADE_OFFS, CREATE | {"stopping": ASHA})

    name: StudyName
    space: Name
    objective: Annotated[Direction | None, Field(description="Default: maximize.")] = None
    objectives: Annotated[
        Objectives | None,
        Field(
            description="Instead of `objective`: directions by name, for up to three. Trainers report `values` by these names; "
            "`parameters` and `multiply_adds` are counted from the architecture instead."
        ),
    ] = None
    limits: Annotated[LimitsSchema | None, Field(description="Nothing that costs more is proposed.")] = None
    stopping: Annotated[
        StoppingSchema | None, Field(description="By which rule heartbeats advise to end a trial early. Default: by none.")
    ] = None
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

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Self:
        if self.objective is not None and self.objectives is not None:
            raise ValueError("expected 'objective' or 'objectives', got both; give one of them")
        return self

    def study_settings(self, settings: Settings) -> StudySettings:
        named = [NamedObjective(name, direction) for name, direction in (self.objectives or {}).items()]
        objectives = tuple(sorted(named, key=lambda objective: objective.cost is not None))  # observed ones first
        return StudySettings(
            name=self.name,
            space=self.space,
            objective=objectives[0].direction if objectives else self.objective or "maximize",
            seed=self.seed,
            strategy=self.strategy,
            initial_size=self.initial_size,
            max_trials=self.max_trials,
            lease_seconds=settings.lease_seconds if self.lease_seconds is None else self.lease_seconds,
            max_attempts=settings.max_attempts if self.max_attempts is None else self.max_attempts,
            model_hash="",
            objectives=objectives,
            limits=Limits() if self.limits is None else Limits(self.limits.parameters, self.limits.multiply_adds),
            stopping=None if self.stopping is None else self.stopping.stopping_rule(),
        )


class PinRequest(Schema):
    model_config = shown(PIN)

    model: Annotated[Name, Field(description="Name or hash of a checkpoint of the study's space.")]


class EnqueueRequest(Schema):
    model_config = shown(ENQUEUE)

    architectures: Annotated[list[ArchitectureSchema], Field(min_length=1, max_length=MAX_ENTRIES, fail_fast=True)]


class StudySchema(Schema):
    """`trials` counts them by state; `best_value` is null while none is completed. With several `objectives` both `objective` and
    `best_value` are of the first that is observed.
    """

    model_config = shown(STUDY)

    name: str
    space: str
    objective: Direction
    objectives: dict[str, Direction] | None
    limits: LimitsSchema | None
    stopping: StoppingSchema | None
    seed: int
    strategy: StrategyName
    initial_size: int
    max_trials: int | None
    lease_seconds: int
    max_attempts: int
    model_hash: str
    created_at: datetime
    closed_at: datetime | None
    note: str | None
    tags: list[str]
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
        objectives={one.name: one.direction for one in settings.objectives} or None,
        limits=None if settings.limits == Limits() else LimitsSchema(**asdict(settings.limits)),
        stopping=None if settings.stopping is None else StoppingSchema(**asdict(settings.stopping)),
        seed=settings.seed,
        strategy=settings.strategy,
        initial_size=settings.initial_size,
        max_trials=settings.max_trials,
        lease_seconds=settings.lease_seconds,
        max_attempts=settings.max_attempts,
        model_hash=settings.model_hash,
        created_at=summary.study.created_at,
        closed_at=summary.study.closed_at,
        note=summary.study.annotation.note,
        tags=list(summary.study.annotation.tags),
        trials={state: summary.counts.get(state, 0) for state in TrialState},
        best_value=summary.best_value,
    )
