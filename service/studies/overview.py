"""A study from above, for people who look at it: its pulse, the points of its plots, any part of its listing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from service.storage import counts, overview, studies, trials
from service.storage.overview import Event, Order, Result
from service.storage.values import Study, Trial, TrialState
from service.studies.context import Context
from service.studies.lifecycle import StudySummary, study_named, summary_of


@dataclass(frozen=True, slots=True)
class Pulse:
    """How a study stands `now`, by the database's clock; `change` is the number of its last change, as in `list_changed`.

    `last` is the newest event, None before the first trial.
    """

    summary: StudySummary
    change: int
    last: Event | None
    now: datetime


@dataclass(frozen=True, slots=True)
class Spread:
    """Completed trials in order of their number: every `step`-th of the study's `size` trials, all where that is one."""

    study: Study
    results: Sequence[Result]
    step: int
    size: int


@dataclass(frozen=True, slots=True)
class Listing:
    """A part of a listing and how many trials the whole of it has."""

    trials: Sequence[Trial]
    size: int


async def last_change(context: Context, name: str) -> int:
    """The number of a study's last change: what a page asks for again and again. Raises `StudyNotFound`."""
    return await context.database.read(lambda session: trials.last_change(session, study_named(name, session).id))


async def pulse(context: Context, name: str) -> Pulse:
    """Raises `StudyNotFound`."""

    def work(session: Session) -> Pulse:
        return _pulse(context, session, summary_of(session, study_named(name, session)))

    return await context.database.read(work)


async def pulses(context: Context, limit: int) -> list[Pulse]:
    """At most `limit` studies, the newest first."""

    def work(session: Session) -> list[Pulse]:
        return [_pulse(context, session, summary_of(session, study)) for study in studies.newest(session, limit)]

    return await context.database.read(work)


async def all_studies(context: Context, limit: int) -> list[Study]:
    """At most `limit` studies without their trials, the newest first."""
    return await context.database.read(lambda session: studies.newest(session, limit))


async def spread(context: Context, name: str, limit: int) -> Spread:
    """At most `limit` completed trials that stand for all. Raises `StudyNotFound`."""

    def work(session: Session) -> Spread:
        study = study_named(name, session)
        step = overview.spread_step(study.trials_created, limit)
        return Spread(study, overview.spread(session, study, limit), step, study.trials_created)

    return await context.database.read(work)


async def listing(context: Context, name: str, state: TrialState | None, order: Order, offset: int, limit: int) -> Listing:
    """Trials from a place on; by value only completed ones have a place. Raises `StudyNotFound`."""

    def work(session: Session) -> Listing:
        study = study_named(name, session)
        only = TrialState.COMPLETED if order in ("highest", "lowest") else state
        found = overview.part(session, study.id, only, order, offset, limit)
        return Listing(found, _size(counts.of_studies(session, [study.id])[study.id], only))

    return await context.database.read(work)


async def events(context: Context, name: str, limit: int) -> list[Event]:
    """What happened last, the newest first, each trial at most once. Raises `StudyNotFound`."""
    return await context.database.read(lambda session: overview.events(session, study_named(name, session).id, limit))


def _pulse(context: Context, session: Session, summary: StudySummary) -> Pulse:
    last = overview.events(session, summary.study.id, 1)
    change = trials.last_change(session, summary.study.id)
    return Pulse(summary, change, last[0] if last else None, context.database.now(session))


def _size(by_state: Mapping[TrialState, int], state: TrialState | None) -> int:
    return sum(by_state.values()) if state is None else by_state.get(state, 0)
