"""Studies and what is in them. Studies as files are `files.py`."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from models.architectures.architecture import Fault
from service.api.dependencies import ContextDep, check_limit
from service.api.openapi import example
from service.api.pagination import Cursor, Limit, Since, read_cursor, write_cursor
from service.api.schemas.annotations import ANNOTATE, AnnotationRequest, Tag
from service.api.schemas.studies import STUDY, EnqueueRequest, PinRequest, StudiesAnswer, StudyRequest, StudySchema, study_schema
from service.api.schemas.trials import COMPLETED, WAITING, ParetoAnswer, TrialsAnswer, TrialsPage, trial_schema
from service.errors import InvalidRequest
from service.storage.values import TrialState
from service.studies import annotations, lifecycle, pareto, pinning
from service.studies import enqueue as queue
from service.studies.lifecycle import TrialFilter

router = APIRouter(prefix="/studies", tags=["studies"])

TagQuery = Annotated[Tag | None, Query(description="Only those that have it.", examples=["baseline"])]


@router.post("", status_code=201, response_model=StudySchema, responses=example(201, STUDY))
async def create_study(context: ContextDep, body: StudyRequest, response: Response) -> StudySchema:
    """Create a study: a search over one space with one model, and all that was tried in it."""
    summary = await lifecycle.create_study(context, body.study_settings(context.settings), body.model)
    response.headers["Location"] = f"/studies/{summary.study.name}"
    return study_schema(summary)


@router.get("", response_model=StudiesAnswer, responses=example(200, {"studies": [STUDY], "next_cursor": None}))
async def list_studies(context: ContextDep, tag: TagQuery = None, limit: Limit = 50, cursor: Cursor = None) -> StudiesAnswer:
    """All studies in order of creation, or those with one tag, a page at a time."""
    check_limit(limit, context.settings.max_page, "/limit", "entries a page")
    page = await lifecycle.list_studies(context, read_cursor(cursor), limit, tag)
    next_cursor = write_cursor(page[-1].study.id) if len(page) == limit else None
    return StudiesAnswer(studies=[study_schema(summary) for summary in page], next_cursor=next_cursor)


@router.get("/{name}", response_model=StudySchema, responses=example(200, STUDY))
async def read_study(context: ContextDep, name: str) -> StudySchema:
    """One study with the number of its trials in each state."""
    return study_schema(await lifecycle.read_study(context, name))


@router.post("/{name}/close", response_model=StudySchema, responses=example(200, STUDY | {"closed_at": "2026-02-28T12:00:00Z"}))
async def close_study(context: ContextDep, name: str) -> StudySchema:
    """Hand out nothing more of a study. Results of what is running are still taken."""
    return study_schema(await lifecycle.close_study(context, name, closed=True))


@router.post("/{name}/reopen", response_model=StudySchema, responses=example(200, STUDY))
async def reopen_study(context: ContextDep, name: str) -> StudySchema:
    """Let a closed study hand out trials again."""
    return study_schema(await lifecycle.close_study(context, name, closed=False))


@router.post("/{name}/model", response_model=StudySchema, responses=example(200, STUDY))
async def pin_study(context: ContextDep, name: str, body: PinRequest) -> StudySchema:
    """Go on with another checkpoint of the same space: the search encodes all architectures again."""
    return study_schema(await pinning.pin_study(context, name, body.model))


@router.patch("/{name}", response_model=StudySchema, responses=example(200, STUDY | ANNOTATE))
async def annotate_study(context: ContextDep, name: str, body: AnnotationRequest) -> StudySchema:
    """Write a note on a study, or tag it."""
    return study_schema(await annotations.annotate_study(context, name, body.changes()))


@router.delete("/{name}", status_code=204)
async def delete_study(context: ContextDep, name: str) -> None:
    """Delete a study with its trials and all that was reported, for good."""
    await lifecycle.delete_study(context, name)


@router.post("/{name}/enqueue", response_model=TrialsAnswer, responses=example(200, {"trials": [WAITING]}))
async def enqueue(context: ContextDep, name: str, body: EnqueueRequest) -> TrialsAnswer:
    """Let chosen architectures be trained next, before anything is proposed; those that the study holds stay as they are."""
    check_limit(len(body.architectures), context.settings.max_batch, "/architectures", "architectures")
    graphs = [architecture.graph() for architecture in body.architectures]
    return TrialsAnswer(trials=[trial_schema(trial) for trial in await queue.enqueue(context, name, graphs)])


@router.get(
    "/{name}/trials",
    response_model=TrialsPage,
    responses=example(200, {"trials": [COMPLETED], "next_cursor": None, "next_since": "c2luY2U6MTI"}),
)
async def list_trials(
    context: ContextDep,
    name: str,
    state: Annotated[TrialState | None, Query(description="Only those in it.")] = None,
    tag: TagQuery = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    since: Since = None,
) -> TrialsPage:
    """The trials of a study in order of their number, all or those in one state or with one tag, a page at a time.

    With `since` those that have changed since an earlier page, in order of their last change: what a page that stays up to date
    asks for again and again. A lease that is renewed is no change.
    """
    check_limit(limit, context.settings.max_page, "/limit", "entries a page")
    only = TrialFilter(state, tag)
    if since is None:
        page = await lifecycle.list_trials(context, name, only, read_cursor(cursor), limit)
    elif cursor is not None:
        raise InvalidRequest([Fault("/since", "expected 'cursor' or 'since', got both; give one of them")])
    else:
        page = await lifecycle.list_changed(context, name, only, read_cursor(since, "since"), limit)
    is_last = since is not None or len(page.trials) < limit
    next_cursor = None if is_last else write_cursor(page.trials[-1].number)
    trials = [trial_schema(trial) for trial in page.trials]
    return TrialsPage(trials=trials, next_cursor=next_cursor, next_since=write_cursor(page.change, "since"))


@router.get("/{name}/best", response_model=TrialsAnswer, responses=example(200, {"trials": [COMPLETED]}))
async def best_trials(
    context: ContextDep, name: str, k: Annotated[int, Query(ge=1, description="How many.", examples=[3])] = 1
) -> TrialsAnswer:
    """The `k` completed trials with the best values, of the first objective where there are several, the best first."""
    check_limit(k, context.settings.max_page, "/k", "trials")
    return TrialsAnswer(trials=[trial_schema(trial) for trial in await lifecycle.best_trials(context, name, k)])


@router.get("/{name}/pareto", response_model=ParetoAnswer, responses=example(200, {"trials": [COMPLETED], "size": 1}))
async def pareto_front(context: ContextDep, name: str, limit: Limit = 100) -> ParetoAnswer:
    """The completed trials that no other one dominates, in all objectives, by the value of the first, the best first.

    With one objective these are all trials of the best value.
    """
    check_limit(limit, context.settings.max_page, "/limit", "trials")
    front = await pareto.pareto_front(context, name, limit)
    return ParetoAnswer(trials=[trial_schema(trial) for trial in front.trials], size=front.size)
