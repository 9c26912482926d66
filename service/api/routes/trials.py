"""One trial by its id."""

from fastapi import APIRouter

from service.api.dependencies import ContextDep, check_limit
from service.api.openapi import example
from service.api.pagination import Cursor, Limit, read_cursor, write_cursor
from service.api.schemas.trials import (
    ATTEMPT,
    COMPLETED,
    OBSERVATION,
    PROGRESS,
    ProgressPage,
    TrialHistoryAnswer,
    history_schema,
    progress_schema,
)
from service.studies import history, progress

router = APIRouter(prefix="/trials", tags=["trials"])

_ATTEMPT = 2**31
"""The distance between attempts in cursors, more than the largest step."""


@router.get(
    "/{trial}",
    response_model=TrialHistoryAnswer,
    responses=example(200, {"trial": COMPLETED, "attempts": [ATTEMPT], "observations": [OBSERVATION]}),
)
async def read_trial(context: ContextDep, trial: str) -> TrialHistoryAnswer:
    """A trial with all its attempts and all reports that came in, those that came late with them."""
    return history_schema(await history.read_trial(context, trial))


@router.get("/{trial}/progress", response_model=ProgressPage, responses=example(200, {"progress": [PROGRESS], "next_cursor": None}))
async def list_progress(context: ContextDep, trial: str, limit: Limit = 50, cursor: Cursor = None) -> ProgressPage:
    """The intermediate values of a trial in order of attempt and step, a page at a time."""
    check_limit(limit, context.settings.max_page, "/limit", "entries a page")
    page = await progress.list_progress(context, trial, divmod(read_cursor(cursor), _ATTEMPT), limit)
    next_cursor = write_cursor(page[-1].attempt * _ATTEMPT + page[-1].step) if len(page) == limit else None
    return ProgressPage(progress=[progress_schema(each) for each in page], next_cursor=next_cursor)
