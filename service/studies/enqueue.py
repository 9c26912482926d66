"""Architectures that people want to see trained: they wait in a study and go to the next askers, before anything is proposed."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import anyio.to_thread
from sqlalchemy.orm import Session

from models.architectures.architecture import Architecture, Fault
from models.architectures.canonical import canonical_id
from service.errors import BudgetExhausted
from service.storage import studies, trials
from service.storage.values import Origin, Trial
from service.studies.architectures import Graph, read_architectures
from service.studies.catalogue import space_named
from service.studies.context import Context
from service.studies.grants import Offer, budget_reason, has_budget, new_trial
from service.studies.lifecycle import study_named


async def enqueue(context: Context, name: str, graphs: Sequence[Graph]) -> list[Trial]:
    """The trials of these architectures, in their order, all committed or none; one that the study holds already is as it was.

    Raises `StudyNotFound`, `ArchitectureRejected` with all faults, and `BudgetExhausted`.
    """
    study = await context.database.read(partial(study_named, name))
    space = space_named(context.settings.model_folders, study.settings.space)
    architectures = await anyio.to_thread.run_sync(read_architectures, space, graphs, "/architectures")
    return await context.database.write(partial(_enqueue, context, study.id, architectures))


def _enqueue(context: Context, study_id: int, architectures: Sequence[Architecture], session: Session) -> list[Trial]:
    study, now = studies.lock(session, study_id), context.database.now(session)
    keys = [canonical_id(architecture) for architecture in architectures]
    known, made = trials.find_by_architecture(session, study_id, keys), []
    for place, (architecture, key) in enumerate(zip(architectures, keys, strict=True)):
        if key in known:
            continue
        if not has_budget(study):
            message = f"{budget_reason(study)}, so no architecture can be added; make a study with a larger one"
            raise BudgetExhausted(message, [Fault(f"/architectures/{place}", message)])
        trial = new_trial(study, context.new_id(), Offer(architecture, key, Origin("enqueued")), now)
        made.append((study_id, trial))
        known[key] = trial.id
        study = replace(study, trials_created=trial.number)
    if made:
        trials.add_all(session, made)
        studies.save_progress(session, study_id, study.trials_created)
    found = trials.find(session, list(known.values()))
    return [found[known[key]] for key in keys]
