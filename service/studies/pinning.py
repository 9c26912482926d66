"""Going on with another checkpoint. Graphs are what a study has recorded: the search encodes all of them again."""

from functools import partial

import anyio.to_thread
from sqlalchemy.orm import Session

from service.storage import studies
from service.studies.catalogue import model_for
from service.studies.context import Context
from service.studies.lifecycle import StudySummary, hold, study_named, summary_of


async def pin_study(context: Context, name: str, model: str) -> StudySummary:
    """Pin a study to the checkpoint of this name or hash; trials that there are keep the latent point and hash they came with.

    The same one again changes nothing. Raises `StudyNotFound`, `ModelNotFound`, and `InvalidRequest` for one of another space.
    """
    study = await context.database.read(partial(study_named, name))
    card = await anyio.to_thread.run_sync(model_for, context.settings.model_folders, study.settings.space, model)

    def work(session: Session) -> StudySummary:
        locked = studies.lock(session, study.id)
        if locked.settings.model_hash != card.hash:
            hold(session, card)
            studies.pin(session, study.id, card.hash)
        return summary_of(session, studies.get(session, study.id))

    return await context.database.write(work)
