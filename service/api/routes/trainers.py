"""The calls of a trainer: suggest, observe, heartbeat."""

from typing import Annotated

from fastapi import APIRouter, Body

from service.api.dependencies import ContextDep, SuggesterDep, check_limit
from service.api.openapi import example
from service.api.schemas.observe import ELSEWHERE, FAILED, OBSERVE, STOPPED, TRADE_OFF, ObserveRequest, reports
from service.api.schemas.suggest import (
    BEAT,
    SUGGESTION,
    HeartbeatAnswer,
    HeartbeatRequest,
    SuggestAnswer,
    SuggestRequest,
    heartbeat_schema,
)
from service.api.schemas.trials import COMPLETED, TrialAnswer, TrialsAnswer, trial_schema
from service.studies import leases
from service.studies.grants import Ask
from service.studies.observe import observe as store

router = APIRouter(tags=["trainers"])

_OBSERVATIONS = {
    "completed": {"summary": "A trained trial", "value": OBSERVE},
    "trade-off": {"summary": "A trained trial of several objectives", "value": TRADE_OFF},
    "failed": {"summary": "A trial that could not be trained", "value": FAILED},
    "stopped": {"summary": "A trial that was ended early", "value": STOPPED},
    "elsewhere": {"summary": "A result from elsewhere", "value": ELSEWHERE},
    "batch": {"summary": "Several, all of them or none", "value": [OBSERVE, ELSEWHERE]},
}


@router.post("/suggest", response_model=SuggestAnswer, responses=example(200, SUGGESTION))
async def suggest(context: ContextDep, suggester: SuggesterDep, body: SuggestRequest) -> SuggestAnswer:
    """What to train next. Answers the worker's running trials first, then new ones; fewer than `count` only with a `reason`."""
    settings = context.settings
    wait = settings.suggest_wait_seconds if body.wait is None else body.wait
    check_limit(body.count, settings.max_count, "/count", "trials")
    check_limit(wait, settings.max_wait_seconds, "/wait", "seconds")
    suggestion = await suggester.suggest(body.study, Ask(body.worker, body.count), wait, body.strategy, body.max_nodes)
    return SuggestAnswer(trials=[trial_schema(trial) for trial in suggestion.trials], reason=suggestion.reason)


@router.post("/observe", response_model=TrialAnswer | TrialsAnswer, responses=example(200, {"trial": COMPLETED}))
async def observe(
    context: ContextDep, body: Annotated[ObserveRequest, Body(openapi_examples=_OBSERVATIONS)]
) -> TrialAnswer | TrialsAnswer:
    """Report results: one, answered by `trial`, or a list, stored as a whole or not at all and answered by `trials`.

    The same report again changes nothing. A trial keeps its first outcome.
    """
    if not isinstance(body, list):
        return TrialAnswer(trial=trial_schema((await store(context, [body.report("")]))[0]))
    check_limit(len(body), context.settings.max_batch, "", "observations")
    return TrialsAnswer(trials=[trial_schema(trial) for trial in await store(context, reports(body))])


@router.post("/heartbeat", response_model=HeartbeatAnswer, responses=example(200, BEAT))
async def heartbeat(context: ContextDep, body: HeartbeatRequest) -> HeartbeatAnswer:
    """Show a sign of life: renews the leases of the worker's trials, takes intermediate values, and tells which trials are lost or
    should stop.
    """
    check_limit(len(body.trials), context.settings.max_batch, "/trials", "trials")
    check_limit(len(body.progress), context.settings.max_batch, "/progress", "reports")
    return heartbeat_schema(await leases.heartbeat(context, body.worker, body.trials, body.reports()))
