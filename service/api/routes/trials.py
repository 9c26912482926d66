"""One trial by its id."""

import anyio.to_thread
from fastapi import APIRouter, Response

from service.api.dependencies import ContextDep, check_limit
from service.api.forms import architecture_response, documented
from service.api.negotiation import VARY, WantedDep
from service.api.openapi import example
from service.api.pagination import Cursor, Limit, read_cursor, write_cursor
from service.api.schemas.annotations import ANNOTATE, AnnotationRequest
from service.api.schemas.trials import (
    ATTEMPT,
    COMPLETED,
    OBSERVATION,
    PROGRESS,
    WAITING,
    ProgressPage,
    ReplicateRequest,
    TrialAnswer,
    TrialHistoryAnswer,
    TrialsAnswer,
    history_schema,
    progress_schema,
    trial_schema,
)
from service.studies import annotations, history, progress, replicates

router = APIRouter(prefix="/trials", tags=["trials"])

_ATTEMPT = 2**31
"""The distance between attempts in cursors, more than the largest step."""


@router.get(
    "/{trial}",
    response_model=TrialHistoryAnswer,
    responses=documented({"trial": COMPLETED, "attempts": [ATTEMPT], "observations": [OBSERVATION]}),
)
async def read_trial(context: ContextDep, trial: str, wanted: WantedDep, response: Response) -> TrialHistoryAnswer | Response:
    """A trial with all its attempts and all reports that came in, those that came late with them; or its architecture as a
    picture, as Graphviz text or as a PyTorch module.
    """
    found = await history.read_trial(context, trial)
    form = wanted.choose(found.trial.architecture.space)
    if form != "json":
        return await anyio.to_thread.run_sync(architecture_response, form, found.trial.architecture)
    response.headers.update(VARY)
    return history_schema(found)


@router.patch("/{trial}", response_model=TrialAnswer, responses=example(200, {"trial": COMPLETED | ANNOTATE}))
async def annotate_trial(context: ContextDep, trial: str, body: AnnotationRequest) -> TrialAnswer:
    """Write a note on a trial, or tag it."""
    return TrialAnswer(trial=trial_schema(await annotations.annotate_trial(context, trial, body.changes())))


@router.post("/{trial}/replicate", response_model=TrialsAnswer, responses=example(200, {"trials": [WAITING | {"replicate": 1}]}))
async def replicate(context: ContextDep, trial: str, body: ReplicateRequest) -> TrialsAnswer:
    """Let a trial's architecture be trained again, before anything is proposed; the search takes all of its values together."""
    check_limit(body.count, context.settings.max_batch, "/count", "trials")
    made = await replicates.replicate(context, trial, body.count)
    return TrialsAnswer(trials=[trial_schema(one) for one in made])


@router.get("/{trial}/progress", response_model=ProgressPage, responses=example(200, {"progress": [PROGRESS], "next_cursor": None}))
async def list_progress(context: ContextDep, trial: str, limit: Limit = 50, cursor: Cursor = None) -> ProgressPage:
    """The intermediate values of a trial in order of attempt and step, a page at a time."""
    check_limit(limit, context.settings.max_page, "/limit", "entries a page")
    page = await progress.list_progress(context, trial, divmod(read_cursor(cursor), _ATTEMPT), limit)
    next_cursor = write_cursor(page[-1].attempt * _ATTEMPT + page[-1].step) if len(page) == limit else None
    return ProgressPage(progress=[progress_schema(each) for each in page], next_cursor=next_cursor)
