"""Intermediate values of running trials: taking them in, asking the study's stopping rule, reading them again.

They come with heartbeats, which `leases.py` answers. The rules are `stopping.py`.
"""

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from service.storage import progress
from service.storage.values import AshaRule, MedianRule, Point, StoredProgress, Study, StudySettings, Trial
from service.studies.context import Context
from service.studies.history import trial_with_id
from service.studies.stopping import asha_advice, following, median_advice

_PEERS = 1000
"""How many of the newest reports at a step or rung a stopping rule looks at, so that its cost does not grow with the study."""


@dataclass(frozen=True, slots=True)
class ProgressReport:
    """The value of the first observed objective after a step of one attempt at a trial."""

    trial: str
    attempt: int
    step: int
    value: float


Told = tuple[tuple[str, str], ...]
"""Ids of trials, with a reason each."""

Dropped = tuple[tuple[ProgressReport, str], ...]
"""Reports that were not stored, with a reason each."""


def take(
    session: Session, studies: Mapping[str, Study], held: Sequence[Trial], reports: Sequence[ProgressReport], now: datetime
) -> tuple[Told, Dropped]:
    """Store the reports on trials that the worker holds; answers which of these should stop, and what was not stored.

    A value that is stored already stays as it is: of two for one step of one attempt the first stands.
    """
    sent: dict[str, list[ProgressReport]] = {}
    for report in reports:
        sent.setdefault(report.trial, []).append(report)
    judged: list[tuple[Trial, Point]] = []
    dropped: list[tuple[ProgressReport, str]] = []
    for trial in held:
        if trial.id in sent:
            study = studies[trial.study]
            points, refused = _store(session, study, trial, sent[trial.id], now)
            judged += [(trial, point) for point in _to_judge(points, study.settings)]
            dropped += refused
    stop = [(trial.id, reason) for trial, point in judged if (reason := _advice(session, studies[trial.study], trial, point))]
    return tuple(stop), tuple(dropped)


async def list_progress(context: Context, trial_id: str, after: tuple[int, int], limit: int) -> list[StoredProgress]:
    """At most `limit` intermediate values of a trial, after an attempt and step. Raises `TrialNotFound`."""

    def work(session: Session) -> list[StoredProgress]:
        return progress.page(session, trial_with_id(trial_id, session).id, after, limit)

    return await context.database.read(work)


def _store(
    session: Session, study: Study, trial: Trial, reports: Sequence[ProgressReport], now: datetime
) -> tuple[list[Point], list[tuple[ProgressReport, str]]]:
    """The points of the reports, those that were there before with them, in order of their step; and what was not stored."""
    settings = study.settings
    current = sorted((report for report in reports if report.attempt == trial.attempt), key=lambda report: report.step)
    dropped = [(report, _superseded(report, trial)) for report in reports if report.attempt != trial.attempt]
    points: list[Point] = []
    if current:
        points = progress.around(session, trial, current[0].step, current[-1].step)
    steps = [point.step for point in points]
    known = {point.step: point for point in points}
    fresh: list[tuple[Trial, Point]] = []
    for report in current:
        stored = known.get(report.step)
        if stored is None:
            place = bisect_left(steps, report.step)
            before = known[steps[place - 1]] if place else None
            point = following(before, report.step, report.value, settings.objective, settings.stopping)
            known[report.step] = point
            insort(steps, report.step)
            fresh.append((trial, point))
        elif stored.value != report.value:
            dropped.append((report, f"step {report.step} has the value {stored.value!r} already, {report.value!r} came; it stays"))
    progress.add(session, study.id, fresh, now)
    return [known[step] for step in dict.fromkeys(report.step for report in current)], dropped


def _to_judge(points: Sequence[Point], settings: StudySettings) -> Sequence[Point]:
    """The last point at which the study's rule has something to say, or none."""
    if isinstance(settings.stopping, AshaRule):
        points = [point for point in points if point.rung is not None]
    return points[-1:] if settings.stopping else []


def _advice(session: Session, study: Study, trial: Trial, point: Point) -> str | None:
    rule, direction = study.settings.stopping, study.settings.objective
    if isinstance(rule, MedianRule):
        return median_advice(rule, direction, point, _others(trial, progress.means_at(session, study.id, point.step, _PEERS)))
    if isinstance(rule, AshaRule) and point.rung is not None:
        return asha_advice(rule, direction, point, _others(trial, progress.values_at_rung(session, study.id, point.rung, _PEERS)))
    return None


def _others(trial: Trial, numbers: Mapping[str, float]) -> list[float]:
    return [number for trial_id, number in numbers.items() if trial_id != trial.id]


def _superseded(report: ProgressReport, trial: Trial) -> str:
    return f"attempt {report.attempt} does not hold the trial, attempt {trial.attempt} does"
