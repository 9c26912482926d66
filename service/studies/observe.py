"""Taking in results: the use case behind `POST /observe`. A list of reports is one transaction, all of it or nothing.

The decisions about each report are in `verdicts.py`. The one thing stored on refusal is a result that differs from the stored
one of its trial, because computing it was paid for.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

import anyio.to_thread
from sqlalchemy.orm import Session

from models.architectures.architecture import Fault
from models.architectures.canonical import id_of_canonical
from service.errors import ServiceError
from service.storage import records, studies, trials
from service.storage.values import Origin, Study, Trial, TrialState
from service.studies import pareto, states
from service.studies.architectures import read_architecture
from service.studies.catalogue import Folders, space_named
from service.studies.context import Context
from service.studies.grants import Offer, budget_reason, has_budget, new_trial
from service.studies.lifecycle import study_named
from service.studies.objectives import by_objectives
from service.studies.verdicts import (
    ELSEWHERE,
    ForeignReport,
    Refusal,
    Report,
    TrialReport,
    Verdict,
    check_outcome,
    combined,
    judge,
    misreported,
    no_budget,
    unknown_trial,
)

Offers = dict[int, tuple[str, Offer]]


async def observe(context: Context, reports: Sequence[Report]) -> list[Trial]:
    """The trials of the reports after them, committed. The same report again changes nothing.

    Raises `InvalidRequest`, `TrialNotFound`, `StudyNotFound`, `BudgetExhausted`, `ConflictingObservation` and `LeaseLost`,
    with a fault for every report that is refused.
    """
    check_outcome(reports)
    names = {report.study for report in reports if isinstance(report, ForeignReport)}
    database = context.database
    found = await database.read(lambda session: {name: study_named(name, session) for name in sorted(names)})
    offers = await anyio.to_thread.run_sync(partial(_read_offers, context.settings.model_folders, reports, found))
    keys = {study.id for study in found.values()}
    answer = await database.write(partial(_observe, context, reports, offers, keys))
    if isinstance(answer, ServiceError):
        raise answer
    return answer


def open_batch(
    context: Context, study_keys: set[int], trial_ids: Sequence[str], offers: Sequence[tuple[str, Offer]], session: Session
) -> "Batch":
    """An empty batch for reports on these trials, and on architectures offered to the studies of these keys, by their names.

    The studies are locked, and the trials too. Raises `StudyNotFound`.
    """
    locked = {study.name: study for study in (studies.lock(session, key) for key in sorted(study_keys))}
    known: dict[tuple[str, str], str] = {}
    for study in locked.values():
        wanted = [offer.canonical_id for name, offer in offers if name == study.name]
        known |= {(study.name, key): trial_id for key, trial_id in trials.find_by_architecture(session, study.id, wanted).items()}
    return Batch(session, context, locked, trials.find(session, [*trial_ids, *known.values()], lock=True), known)


def _read_offers(folders: Folders, reports: Sequence[Report], found: dict[str, Study]) -> Offers:
    """The studies and architectures of results from elsewhere, by the place of their report."""
    offers: Offers = {}
    for place, report in enumerate(reports):
        if isinstance(report, ForeignReport):
            space = space_named(folders, found[report.study].settings.space)
            architecture = read_architecture(space, report.graph, f"{report.pointer}/architecture")
            offers[place] = (report.study, Offer(architecture, id_of_canonical(architecture), Origin("enqueued")))
    return offers


def _observe(
    context: Context, reports: Sequence[Report], offers: Offers, keys: set[int], session: Session
) -> list[Trial] | ServiceError:
    """Judge every report, then store all of them, or only the late ones and answer the error."""
    ids = [report.trial for report in reports if isinstance(report, TrialReport)]
    batch = open_batch(context, keys | set(trials.study_keys(session, ids)), ids, list(offers.values()), session)
    for place, report in enumerate(reports):
        if isinstance(report, TrialReport):
            batch.take(report)
        else:
            batch.take_foreign(report, offers[place][1])
    if batch.refusals:
        batch.keep_late()
        return combined([refusal for _, _, refusal in batch.refusals])
    return batch.store()


class Batch:
    """The reports of one request, judged in order against the state that those before them lead to.

    `refusals` are those that are not taken, each with its trial where there is one. Nothing is stored before `store`.
    """

    def __init__(
        self,
        session: Session,
        context: Context,
        locked: dict[str, Study],
        found: dict[str, Trial],
        known: dict[tuple[str, str], str],
    ) -> None:
        """`found` are the trials by id, `known` the ids of those that are named by their architecture."""
        self._session = session
        self._now: datetime = context.database.now(session)
        self._new_id = context.new_id
        self._studies = locked
        self._trials = found
        self._known = known
        self._created: set[str] = set()
        self._answers: list[str] = []
        self._changes: list[tuple[Report, Trial, Trial]] = []
        self.refusals: list[tuple[Report, Trial | None, Refusal]] = []

    def take(self, report: TrialReport) -> None:
        trial = self._trials.get(report.trial)
        if trial is None:
            self.refusals.append((report, None, unknown_trial(report)))
            return
        named = self._named(report, trial.study)
        if named is not None:
            self._judge(named, trial)

    def take_foreign(self, report: ForeignReport, offer: Offer) -> None:
        study = self._studies[report.study]
        trial_id = self._known.get((study.name, offer.canonical_id))
        named = self._named(report, study.name)
        if named is None:
            return
        if trial_id is not None:
            self._judge(named, self._trials[trial_id])
        elif not has_budget(study):
            self.refusals.append((report, None, no_budget(report, budget_reason(study))))
        else:
            trial = new_trial(study, self._new_id(), offer, self._now)
            self._studies[study.name] = replace(study, trials_created=trial.number)
            self._known[study.name, offer.canonical_id] = trial.id
            self._created.add(trial.id)
            self._change(named, trial)

    @property
    def num_changes(self) -> int:
        """How many reports change something."""
        return len(self._changes)

    def keep_late(self) -> None:
        """Store the late ones among the refused reports, and nothing else."""
        unstored = {after.id for _, _, after in self._changes}
        late = [(report, trial) for report, trial, refusal in self.refusals if trial and refusal.verdict == Verdict.LATE]
        self._record([(report, trial) for report, trial in late if trial.id not in unstored], late=True)

    def store(self) -> list[Trial]:
        """Store what the reports change; their trials after them, in their order."""
        changes = [(self._studies[after.study].id, before, after) for _, before, after in self._changes]
        trials.add_all(self._session, [(key, after) for key, _, after in changes if after.id in self._created])
        trials.save_all(self._session, [change for change in changes if change[2].id not in self._created])
        records.end_attempts(self._session, self._ended_attempts(), self._now)
        self._record([(report, after) for report, _, after in self._changes], late=False)
        for study in self._studies.values():
            studies.save_progress(self._session, study.id, study.trials_created)
            if len(study.settings.objectives) > 1 and (completed := self._completed(study)):
                pareto.extend(self._session, study, completed)
        return [self._trials[trial_id] for trial_id in self._answers]

    def _completed(self, study: Study) -> list[Trial]:
        """The trials of a study that this request completes."""
        return [after for _, _, after in self._changes if after.study == study.name and after.state == TrialState.COMPLETED]

    def _named(self, report: Report, study: str) -> Report | None:
        """The report with its values by the study's objectives; None where they do not fit, which is a refusal."""
        outcome = by_objectives(report.outcome, self._studies[study].settings, report.pointer)
        if isinstance(outcome, Fault):
            self.refusals.append((report, None, misreported(outcome)))
            return None
        return replace(report, outcome=outcome)

    def _judge(self, report: Report, trial: Trial) -> None:
        verdict = judge(report, trial)
        if isinstance(verdict, Refusal):
            self.refusals.append((report, trial, verdict))
        elif verdict == Verdict.SAME:
            self._answers.append(trial.id)
        else:
            self._change(report, trial)

    def _change(self, report: Report, before: Trial) -> None:
        outcome = report.outcome
        after = replace(
            before,
            state=states.check(before.state, outcome.status),
            lease_expires_at=None,
            value=outcome.value,
            values=outcome.values,
            std=outcome.std,
            reason=outcome.reason,
            finished_attempt=report.attempt,
            finished_at=self._now,
        )
        self._trials[after.id] = after
        self._answers.append(after.id)
        self._changes.append((report, before, after))

    def _ended_attempts(self) -> list[tuple[str, int, str]]:
        """The attempts that the reports end, and how."""
        ended = []
        for report, before, after in self._changes:
            if after.id not in self._created and before.attempt != report.attempt:
                ended.append((after.id, before.attempt, "superseded"))
            if report.attempt != ELSEWHERE:
                ended.append((after.id, report.attempt, str(after.state)))
        return ended

    def _record(self, reports: Sequence[tuple[Report, Trial]], late: bool) -> None:
        kept = [records.Report(trial.id, report.attempt, report.outcome, report.metrics) for report, trial in reports]
        records.add_observations(self._session, kept, late, self._now)
