"""Notes and tags that people write on studies and on trials."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from service.storage import studies, trials
from service.storage.values import Trial
from service.studies.context import Context
from service.studies.history import trial_with_id
from service.studies.lifecycle import StudySummary, study_named, summary_of


async def annotate_study(context: Context, name: str, changes: Mapping[str, Any]) -> StudySummary:
    """Change what `changes` names, `note` or `tags`. Raises `StudyNotFound`."""

    def work(session: Session) -> StudySummary:
        study = studies.lock(session, study_named(name, session).id)
        annotation = replace(study.annotation, **changes)
        studies.annotate(session, study.id, annotation)
        return summary_of(session, replace(study, annotation=annotation))

    return await context.database.write(work)


async def annotate_trial(context: Context, trial_id: str, changes: Mapping[str, Any]) -> Trial:
    """Change what `changes` names, `note` or `tags`. Raises `TrialNotFound`."""

    def work(session: Session) -> Trial:
        study = studies.lock(session, study_named(trial_with_id(trial_id, session).study, session).id)
        trial = trial_with_id(trial_id, session)
        annotation = replace(trial.annotation, **changes)
        trials.annotate(session, study.id, trial_id, annotation)
        return replace(trial, annotation=annotation)

    return await context.database.write(work)
