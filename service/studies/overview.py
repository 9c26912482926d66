"""A study from above, for people who look at it: its pulse, the points of its plots, any part of its listing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from service.storage import counts, overview, studies, trials
from service.storage.overview import Event, Order, Result
from service.storage.values import Study, Trial, TrialState
from service.studies.context import Context
from service.studies.lifecycle import StudySummary, study_named, summaries_of


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
        return _pulses(context, session, [study_named(name, session)])[0]

    return await context.database.read(work)


async def pulses(context: Context, limit: int) -> list[Pulse]:
    """At most `limit` studies, the newest first, in as many queries as for one."""

    def work(session: Session) -> list[Pulse]:
        return _pulses(context, session, studies.newest(session, limit))

    return await context.database.read(work)


async def search_studies(context: Context, text: str, limit: int) -> list[str]:
    """The names of at most `limit` studies that have a text in them, the newest first."""
    return await context.database.read(lambda session: studies.search(session, text, limit))


async def existing_studies(context: Context, names: Sequence[str]) -> list[str]:
    """Those of the names that studies have, in their order."""
    found = await context.database.read(lambda session: studies.existing(session, names))
    return [name for name in names if name in found]


async def references(context: Context, study: Study, limit: int) -> list[str]:
    """The names of at most `limit` other studies that searched the same space for the same value by drawing at random."""
    found = await context.database.read(lambda session: studies.at_random(session, study, limit))
    first = study.settings.observed_names[:1]
    return [one.name for one in found if one.settings.observed_names[:1] == first]


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


def _pulses(context: Context, session: Session, found: Sequence[Study]) -> list[Pulse]:
    last, now = overview.last_events(session, [study.id for study in found]), context.database.now(session)
    pulses = []
    for summary in summaries_of(session, found):
        change, event = last.get(summary.study.id, (0, None))
        pulses.append(Pulse(summary, change, event, now))
    return pulses


def _size(by_state: Mapping[TrialState, int], state: TrialState | None) -> int:
    return sum(by_state.values()) if state is None else by_state.get(state, 0)
