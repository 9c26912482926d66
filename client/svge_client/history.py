"""How trials and studies came to where they are, as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from svge_client.values import Trial, known, moment


@dataclass(frozen=True, slots=True)
class Attempt:
    """One time that a trial was handed out. `outcome` is a trial state, `expired` or `superseded`; None while it runs."""

    attempt: int
    worker: str
    started_at: datetime | None
    ended_at: datetime | None
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Observation:
    """One report as it came in. A `late` one came after another attempt had finished the trial, and did not change it."""

    attempt: int
    status: str
    value: float | None
    values: Mapping[str, float] | None
    std: float | None
    reason: str | None
    metrics: Mapping[str, Any] | None
    step: int | None
    late: bool
    received_at: datetime | None


@dataclass(frozen=True, slots=True)
class TrialHistory:
    """A trial with all its attempts and all reports that came in."""

    trial: Trial
    attempts: tuple[Attempt, ...]
    observations: tuple[Observation, ...]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "TrialHistory":
        return cls(
            trial=Trial.from_json(document["trial"]),
            attempts=tuple(Attempt(**known(Attempt, _timed(one))) for one in document["attempts"]),
            observations=tuple(Observation(**known(Observation, _timed(one))) for one in document["observations"]),
        )


@dataclass(frozen=True, slots=True)
class Step:
    """The value of one attempt after a step, as it came with a heartbeat."""

    attempt: int
    step: int
    value: float
    received_at: datetime | None


@dataclass(frozen=True, slots=True)
class ProgressPage:
    """Some intermediate values, and the cursor of the next page; None on the last one."""

    progress: tuple[Step, ...]
    next_cursor: str | None

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "ProgressPage":
        return cls(tuple(Step(**known(Step, _timed(one))) for one in document["progress"]), document.get("next_cursor"))


@dataclass(frozen=True, slots=True)
class Improvement:
    """A trial, by its id, that was better than all completed before it; `evaluations` counts these and itself."""

    trial: str
    number: int
    evaluations: int
    value: float
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Curve:
    """The best value so far: a step at each improvement, level up to the last of `evaluations`."""

    improvements: tuple[Improvement, ...]
    evaluations: int

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Curve":
        improvements = tuple(Improvement(**known(Improvement, _timed(one))) for one in document["improvements"])
        return cls(improvements, document["evaluations"])


def _timed(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The document with its times read."""
    return {name: moment(value) if name.endswith("_at") else value for name, value in document.items()}
