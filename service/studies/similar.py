"""Which trials of a study are most like an architecture, by the number of edits between them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import anyio.to_thread
from sqlalchemy.orm import Session

from models.architectures.architecture import Architecture
from models.architectures.edit_distance import edit_distance
from service.storage import trials
from service.storage.values import Trial
from service.studies.context import Context
from service.studies.lifecycle import study_named

_LOOKED_AT = 200
"""Of the best trials and of the newest ones each, so that the cost does not grow with the study."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A trial and how many edits part its architecture from another one."""

    trial: Trial
    distance: int


async def similar_trials(context: Context, name: str, architecture: Architecture, count: int) -> list[Neighbour]:
    """The `count` most similar of a study's best and newest trials, the nearest first, without the architecture itself.

    Raises `StudyNotFound`.
    """

    def work(session: Session) -> list[Trial]:
        study = study_named(name, session)
        best = trials.best(session, study.id, study.settings.objective, _LOOKED_AT)
        return list({trial.id: trial for trial in [*best, *trials.newest(session, study.id, _LOOKED_AT)]}.values())

    found = await context.database.read(work)
    return await anyio.to_thread.run_sync(nearest, architecture, found, count)


def nearest(architecture: Architecture, found: Iterable[Trial], count: int) -> list[Neighbour]:
    """The trials with the fewest edits, of equally many the older ones first; isomorphic ones are left out."""
    neighbours: Sequence[Neighbour] = [Neighbour(trial, edit_distance(architecture, trial.architecture)) for trial in found]
    apart = [neighbour for neighbour in neighbours if neighbour.distance]
    return sorted(apart, key=lambda neighbour: (neighbour.distance, neighbour.trial.number))[:count]
