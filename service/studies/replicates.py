"""Training an architecture again: further trials of it, because one value of a noisy training says little."""

from dataclasses import replace
from functools import partial

from sqlalchemy.orm import Session

from models.architectures.architecture import Fault
from service.errors import BudgetExhausted
from service.storage import studies, trials
from service.storage.values import Origin, Trial
from service.studies.context import Context
from service.studies.grants import Offer, budget_reason, has_budget, new_trial
from service.studies.history import trial_with_id
from service.studies.lifecycle import study_named


async def replicate(context: Context, trial_id: str, count: int) -> list[Trial]:
    """`count` new trials of a trial's architecture, which wait and go to the next askers; all of them or none.

    The search takes the values of all of an architecture's trials together. Raises `TrialNotFound` and `BudgetExhausted`.
    """
    return await context.database.write(partial(_replicate, context, trial_id, count))


def _replicate(context: Context, trial_id: str, count: int, session: Session) -> list[Trial]:
    first = trial_with_id(trial_id, session)
    study, now = studies.lock(session, study_named(first.study, session).id), context.database.now(session)
    offer = Offer(first.architecture, first.canonical_id, Origin("enqueued", first.origin.latent), first.model_hash)
    last = trials.last_replicate(session, study.id, first.canonical_id)
    made = []
    for number in range(last + 1, last + 1 + count):
        if not has_budget(study):
            message = f"{budget_reason(study)}, so no {count} trials can be added; ask for fewer, or make a study with a larger one"
            raise BudgetExhausted(message, [Fault("/count", message)])
        trial = replace(new_trial(study, context.new_id(), offer, now), replicate=number)
        study = replace(study, trials_created=trial.number)
        made.append(trial)
    trials.add_all(session, [(study.id, trial) for trial in made])
    studies.save_progress(session, study.id, study.trials_created)
    return made
