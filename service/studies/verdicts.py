"""What is to happen with one report on one trial: pure decisions, no storage. Carrying them out is `observe.py`.

Whether a value counts depends on who has finished the trial, not on who holds it: it is taken from any attempt that was really
handed out, until the first one has finished the trial. A failure counts only from the attempt that runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from models.architectures.architecture import Fault
from service.errors import (
    BudgetExhausted,
    ConflictingObservation,
    IllegalTransition,
    InvalidRequest,
    LeaseLost,
    ServiceError,
    TrialNotFound,
)
from service.storage.values import Outcome, Trial, TrialState
from service.studies.architectures import Graph

ELSEWHERE = 0
"""The attempt of a result that no worker of the study produced."""


class Verdict(Enum):
    """`TAKEN` finishes the trial, `SAME` is known already, `LATE` is kept but refused, `REFUSED` is only refused."""

    TAKEN = "taken"
    SAME = "same"
    LATE = "late"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class TrialReport:
    """The outcome of one attempt at a trial; `pointer` is where the report stands in the request."""

    trial: str
    attempt: int
    outcome: Outcome
    metrics: Mapping[str, Any] | None
    pointer: str


@dataclass(frozen=True, slots=True)
class ForeignReport:
    """The outcome of an architecture that was trained elsewhere. One that differs from the stored one is kept as a late record
    where `keeps_late` says so.
    """

    study: str
    graph: Graph
    outcome: Outcome
    metrics: Mapping[str, Any] | None
    pointer: str
    keeps_late: bool = True

    @property
    def attempt(self) -> int:
        return ELSEWHERE


Report = TrialReport | ForeignReport


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a report is not taken: the error it leads to, the part of the request at fault, and both outcomes."""

    verdict: Verdict
    error: type[ServiceError]
    fault: Fault
    conflict: Mapping[str, Any] | None = None


def check_outcome(reports: Sequence[Report]) -> None:
    """Raise `InvalidRequest` for outcomes that contradict themselves."""
    faults = []
    for report in reports:
        status, has_value = report.outcome.status, report.outcome.value is not None or report.outcome.values is not None
        if report.outcome.value is not None and report.outcome.values is not None:
            faults.append(Fault(f"{report.pointer}/values", "expected 'value' or 'values', got both; give one of them"))
        if status == TrialState.COMPLETED and not has_value:
            message = "a completed trial needs a value; give a finite number, or status 'failed' if there is none"
            faults.append(Fault(f"{report.pointer}/value", message))
        if status in (TrialState.FAILED, TrialState.INFEASIBLE) and has_value:
            message = f"a trial that is '{status}' has no value; leave it out, or give status 'completed'"
            faults.append(Fault(f"{report.pointer}/{_value_field(report)}", message))
        if report.outcome.std is not None and not has_value:
            faults.append(Fault(f"{report.pointer}/std", "a std without a value means nothing; give the value too"))
    if faults:
        raise InvalidRequest(faults)


def judge(report: Report, trial: Trial) -> Verdict | Refusal:
    """What to do with a report on this trial."""
    if report.attempt > trial.attempt:
        message = f"attempt {report.attempt} was never handed out, the last was {trial.attempt}; send the one that suggest answered"
        return Refusal(Verdict.REFUSED, InvalidRequest, Fault(f"{report.pointer}/attempt", message))
    if not trial.is_settled:
        is_anothers = trial.state == TrialState.RUNNING and report.attempt != trial.attempt
        if is_anothers and report.outcome.status != TrialState.COMPLETED:
            return _still_running(report, trial) if report.attempt == ELSEWHERE else _superseded(report, trial)
        return Verdict.TAKEN
    is_same = _known(report.outcome) == (trial.state, trial.value, trial.values, trial.std)
    if report.attempt == trial.finished_attempt or report.attempt == ELSEWHERE:
        return Verdict.SAME if is_same else _conflicting(report, trial)
    if report.attempt == trial.attempt and is_same:
        return Verdict.SAME
    return _late(report, trial)


def misreported(fault: Fault) -> Refusal:
    return Refusal(Verdict.REFUSED, InvalidRequest, fault)


def unknown_trial(report: TrialReport) -> Refusal:
    message = f"there is no trial '{report.trial}'; send the id that suggest answered"
    return Refusal(Verdict.REFUSED, TrialNotFound, Fault(f"{report.pointer}/trial", message))


def no_budget(report: ForeignReport, reason: str) -> Refusal:
    fault = Fault(f"{report.pointer}/architecture", f"{reason}, so no architecture can be added; make a study with a larger one")
    return Refusal(Verdict.REFUSED, BudgetExhausted, fault)


def described(outcome: Outcome) -> str:
    """What an outcome is, in words for a message."""
    value = outcome.value if outcome.values is None else outcome.values
    return f"'{outcome.status}'" if value is None else f"'{outcome.status}' with {value!r}"


def combined(refusals: Sequence[Refusal]) -> ServiceError:
    """One error for all refusals, of the kind of the first."""
    kind = refusals[0].error
    faults = [refusal.fault for refusal in refusals]
    if kind is InvalidRequest:
        return InvalidRequest(faults)
    conflicts = [refusal.conflict for refusal in refusals if refusal.conflict is not None]
    return kind("; ".join(fault.message for fault in faults), faults, {"conflicts": conflicts} if conflicts else None)


def _conflicting(report: Report, trial: Trial) -> Refusal:
    is_kept = isinstance(report, TrialReport) or report.keeps_late
    remedy = "yours is kept as a late record, do not send another" if is_kept else "correct yours, or leave it out"
    message = (
        f"trial '{trial.id}' is finished: {_recorded(trial)} is recorded, {_received(report)} came; "
        f"the recorded outcome stands, {remedy}"
    )
    verdict = Verdict.LATE if is_kept else Verdict.REFUSED
    return Refusal(verdict, ConflictingObservation, Fault(_at_fault(report, trial), message), _both(report, trial))


def _still_running(report: Report, trial: Trial) -> Refusal:
    """A failure elsewhere does not take the trial from whoever trains it now."""
    message = (
        f"trial '{trial.id}' runs as attempt {trial.attempt}, which {_received(report)} from elsewhere does not end; "
        "leave it out, or send it once the trial has finished"
    )
    return Refusal(Verdict.REFUSED, IllegalTransition, Fault(f"{report.pointer}/status", message))


def _late(report: Report, trial: Trial) -> Refusal:
    message = (
        f"attempt {report.attempt} of trial '{trial.id}' lost its lease, {_recorded(trial)} was recorded first; "
        f"your {_received(report)} is kept as a late record, ask for another trial"
    )
    return Refusal(Verdict.LATE, LeaseLost, Fault(f"{report.pointer}/attempt", message), _both(report, trial))


def _superseded(report: Report, trial: Trial) -> Refusal:
    """A failure of an earlier attempt does not take the trial from whoever trains it now; a value would finish it for them."""
    message = (
        f"attempt {report.attempt} of trial '{trial.id}' lost its lease and attempt {trial.attempt} runs; "
        f"your {_received(report)} is kept as a late record, ask for another trial"
    )
    return Refusal(Verdict.LATE, LeaseLost, Fault(f"{report.pointer}/attempt", message), _both(report, trial))


def _value_field(report: Report) -> str:
    return "value" if report.outcome.values is None else "values"


def _at_fault(report: Report, trial: Trial) -> str:
    return f"{report.pointer}/{'status' if report.outcome.status != trial.state else _value_field(report)}"


def _known(outcome: Outcome) -> tuple[TrialState, float | None, Mapping[str, float] | None, float | None]:
    return outcome.status, outcome.value, outcome.values, outcome.std


def _recorded(trial: Trial) -> str:
    return described(Outcome(trial.state, trial.value, values=trial.values))


def _received(report: Report) -> str:
    return described(report.outcome)


def _both(report: Report, trial: Trial) -> Mapping[str, Any]:
    recorded = _content(trial.finished_attempt, trial.state, trial.value, trial.values, trial.std)
    return {"trial": trial.id, "recorded": recorded, "received": _content(report.attempt, *_known(report.outcome))}


def _content(
    attempt: int | None, status: TrialState, value: float | None, values: Mapping[str, float] | None, std: float | None
) -> Mapping[str, Any]:
    content = {"attempt": attempt, "status": status, "value": value, "std": std}
    return content if values is None else {**content, "values": values}
