"""Counts and times of this process for Prometheus."""

from fastapi import APIRouter, Response

from service import metrics
from service.api.dependencies import ContextDep
from service.studies import health

router = APIRouter(tags=["health"])

_CONTENT = {"text/plain": {"schema": {"type": "string"}, "example": 'svge_trials{state="running"} 3.0\n'}}


@router.get("/metrics", response_class=Response, responses={200: {"content": _CONTENT}})
async def read_metrics(context: ContextDep) -> Response:
    """Requests, suggests by source, fits, trials by state, expired leases and restarts of the model worker, for Prometheus."""
    for state, count in (await health.trials_by_state(context)).items():
        metrics.trials.labels(state).set(count)
    return Response(metrics.exposition(), media_type=metrics.MEDIA_TYPE)
