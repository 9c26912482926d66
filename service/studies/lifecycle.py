"""Creating, reading, listing, closing and deleting studies."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import anyio.to_thread
from sqlalchemy.orm import Session

from models.pretrained.catalogue import Card
from service.errors import ModelNotFound, StudyNotFound
from service.storage import counts, studies, trials
from service.storage.values import Study, StudySettings, Trial, TrialState
from service.studies.catalogue import Folders, model_for, space_named
from service.studies.context import Context
from service.studies.objectives import check_objectives


@dataclass(frozen=True, slots=True)
class StudySummary:
    """A study with how many of its trials are in each state, and its best value so far."""

    study: Study
    counts: dict[TrialState, int]
    best_value: float | None


@dataclass(frozen=True, slots=True)
class TrialFilter:
    """Which trials are meant: those in a state, with a tag, or all."""

    state: TrialState | None = None
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class TrialPage:
    """Trials, and the number of the last change that they show."""

    trials: Sequence[Trial]
    change: int


def study_named(name: str, session: Session) -> Study:
    """The study of this name. Raises `StudyNotFound`."""
    study = studies.find(session, name)
    if study is None:
        raise StudyNotFound(f"there is no study '{name}'; create it with POST /studies, or see GET /studies for those there are")
    return study


async def create_study(context: Context, settings: StudySettings, model: str | None) -> StudySummary:
    """Store a new study, pinned to the checkpoint `model` or to its space's default one; `model_hash` of `settings` is ignored.

    Raises `SpaceNotFound`, `ModelNotFound`, `StudyExists`, and `InvalidRequest` for a checkpoint of another space and for
    objectives and limits that contradict themselves.
    """
    card = await anyio.to_thread.run_sync(_card_for, context.settings.model_folders, settings, model)
    pinned = replace(settings, model_hash=card.hash)
    database = context.database

    def work(session: Session) -> Study:
        hold(session, card)
        return studies.create(session, pinned, database.now(session))

    return StudySummary(await database.write(work), {}, None)


def _card_for(folders: Folders, settings: StudySettings, model: str | None) -> Card:
    space_named(folders, settings.space)
    check_objectives(settings)
    return model_for(folders, settings.space, model)


def hold(session: Session, card: Card) -> None:
    """Keep a checkpoint from being deleted until the transaction ends. Raises `ModelNotFound` where it has just been."""
    studies.hold_model(session, card.hash)
    if not card.path.is_file():
        raise ModelNotFound(f"the model '{card.name}' was deleted a moment ago; GET /models lists those there are")


async def read_study(context: Context, name: str) -> StudySummary:
    """Raises `StudyNotFound`."""

    def work(session: Session) -> StudySummary:
        return summary_of(session, study_named(name, session))

    return await context.database.read(work)


async def list_studies(context: Context, after: int, limit: int, tag: str | None = None) -> list[StudySummary]:
    """At most `limit` studies in order of creation, after the one with the key `after`, all or those with a tag."""
    return await context.database.read(lambda session: summaries_of(session, studies.page(session, after, limit, tag)))


async def close_study(context: Context, name: str, closed: bool) -> StudySummary:
    """Close a study, so that it hands nothing out any more, or reopen it; results are taken either way.

    Doing it again changes nothing. Raises `StudyNotFound`.
    """

    def work(session: Session) -> StudySummary:
        study = studies.lock(session, study_named(name, session).id)
        if closed != (study.closed_at is not None):
            studies.set_closed(session, study.id, context.database.now(session) if closed else None)
        return summary_of(session, studies.get(session, study.id))

    return await context.database.write(work)


async def delete_study(context: Context, name: str) -> None:
    """Delete a study with its trials and their reports, for good. Raises `StudyNotFound`."""

    def work(session: Session) -> None:
        studies.delete(session, studies.lock(session, study_named(name, session).id).id)

    await context.database.write(work)


async def list_trials(context: Context, name: str, only: TrialFilter, after: int, limit: int) -> TrialPage:
    """At most `limit` trials of a study in order of their number, after the number `after`. Raises `StudyNotFound`."""

    def work(session: Session) -> TrialPage:
        study = study_named(name, session)
        found = trials.page(session, study.id, only.state, after, limit, only.tag)
        return TrialPage(found, trials.last_change(session, study.id))

    return await context.database.read(work)


async def list_changed(context: Context, name: str, only: TrialFilter, since: int, limit: int) -> TrialPage:
    """At most `limit` trials of a study in order of their last change, after the change `since`. Raises `StudyNotFound`."""

    def work(session: Session) -> TrialPage:
        return TrialPage(*trials.changed(session, study_named(name, session).id, only.state, since, limit, only.tag))

    return await context.database.read(work)


async def best_trials(context: Context, name: str, count: int) -> list[Trial]:
    """The best `count` completed trials, the best first. Raises `StudyNotFound`."""
    return await context.database.read(partial(_best, name, count))


def _best(name: str, count: int, session: Session) -> list[Trial]:
    study = study_named(name, session)
    return trials.best(session, study.id, study.settings.objective, count)


def summary_of(session: Session, study: Study) -> StudySummary:
    return summaries_of(session, [study])[0]


def summaries_of(session: Session, found: Sequence[Study]) -> list[StudySummary]:
    """In as many queries for many studies as for one."""
    keys = [study.id for study in found]
    by_study, best = counts.of_studies(session, keys), trials.best_values(session, keys)
    return [StudySummary(study, by_study[study.id], best.get(study.id)) for study in found]
