"""What `POST /observe` takes: one report or a list, on a trial of the service or on an architecture trained elsewhere."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from models.search.proposal import MAX_OBJECTIVES
from service.api.schemas.architectures import CELL, ArchitectureSchema
from service.api.schemas.fields import (
    MAX_ENTRIES,
    Attempt,
    Finite,
    Json,
    Name,
    ObjectiveName,
    Schema,
    Step,
    Text,
    TrialId,
    at_most,
    shown,
)
from service.api.schemas.trials import TRIAL_ID
from service.storage.values import Outcome, TrialState
from service.studies.verdicts import ForeignReport, Report, TrialReport

OBSERVE: Json = {"trial": TRIAL_ID, "attempt": 1, "value": 0.931}
TRADE_OFF: Json = {"trial": TRIAL_ID, "attempt": 1, "values": {"accuracy": 0.931, "latency_ms": 4.2}}
FAILED: Json = {"trial": TRIAL_ID, "attempt": 1, "status": "failed", "reason": "out of memory"}
STOPPED: Json = {"trial": TRIAL_ID, "attempt": 1, "status": "stopped", "value": 0.61, "step": 9}
ELSEWHERE: Json = {"study": "demo", "architecture": CELL, "value": 0.912}

_MAX_METRICS = 1000
_MANY, _ONE, _TRIAL, _ARCHITECTURE = "@many", "@one", "@trial", "@architecture"

Value = Annotated[Finite, Field(description="In the objective's own unit and direction.")]
Values = Annotated[
    dict[ObjectiveName, Finite],
    Field(max_length=MAX_OBJECTIVES, description="Instead of `value`, in a study whose objectives have names: all of them."),
    BeforeValidator(partial(at_most, MAX_OBJECTIVES)),
]
Std = Annotated[
    Finite,
    Field(ge=0, description="The standard error of the value, or of that of the first observed objective."),
]
Metrics = Annotated[
    dict[Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")], Finite],
    Field(max_length=_MAX_METRICS, description="Further numbers to keep with the report; the search does not look at them."),
    BeforeValidator(partial(at_most, _MAX_METRICS)),
]


class TrialObservation(Schema):
    """The outcome of one attempt at a trial. `value` and `values` are left out where there are none."""

    model_config = shown(OBSERVE, TRADE_OFF, FAILED, STOPPED)

    trial: TrialId
    attempt: Attempt
    value: Value | None = None
    values: Values | None = None
    std: Std | None = None
    status: Literal["completed", "failed", "infeasible", "stopped"] = "completed"
    reason: Text | None = None
    metrics: Metrics | None = None
    step: Annotated[Step | None, Field(description="After which the value was measured: epochs, say.")] = None

    def report(self, pointer: str) -> Report:
        outcome = Outcome(TrialState(self.status), self.value, self.std, self.reason, self.values, self.step)
        return TrialReport(self.trial, self.attempt, outcome, self.metrics, pointer)


class ForeignObservation(Schema):
    """A result from elsewhere: the search learns from it as from its own."""

    model_config = shown(ELSEWHERE)

    study: Name
    architecture: ArchitectureSchema
    value: Value | None = None
    values: Values | None = None
    std: Std | None = None
    metrics: Metrics | None = None

    def report(self, pointer: str) -> Report:
        outcome = Outcome(TrialState.COMPLETED, self.value, self.std, None, self.values)
        return ForeignReport(self.study, self.architecture.graph(), outcome, self.metrics, pointer)


def _kind_of_report(value: Any) -> str:
    is_foreign = isinstance(value, ForeignObservation) or (
        isinstance(value, dict) and "trial" not in value and "architecture" in value
    )
    return _ARCHITECTURE if is_foreign else _TRIAL


def _kind_of_body(value: Any) -> str:
    return _MANY if isinstance(value, list) else _ONE


AnyObservation = Annotated[
    Annotated[TrialObservation, Tag(_TRIAL)] | Annotated[ForeignObservation, Tag(_ARCHITECTURE)], Discriminator(_kind_of_report)
]
ObservationList = Annotated[
    list[AnyObservation],
    Field(min_length=1, max_length=MAX_ENTRIES, fail_fast=True),
    BeforeValidator(partial(at_most, MAX_ENTRIES)),
]
ObserveRequest = Annotated[
    Annotated[ObservationList, Tag(_MANY)] | Annotated[AnyObservation, Tag(_ONE)], Discriminator(_kind_of_body)
]


def reports(body: Sequence[TrialObservation | ForeignObservation]) -> list[Report]:
    """The reports of a list, each knowing its place."""
    return [observation.report(f"/{index}") for index, observation in enumerate(body)]
