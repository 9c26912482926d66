"""One trial by its id."""

from fastapi import APIRouter

from service.api.dependencies import ContextDep
from service.api.openapi import example
from service.api.schemas.trials import ATTEMPT, COMPLETED, OBSERVATION, TrialHistoryAnswer, history_schema
from service.studies import history

router = APIRouter(prefix="/trials", tags=["trials"])


@router.get(
    "/{trial}",
    response_model=TrialHistoryAnswer,
    responses=example(200, {"trial": COMPLETED, "attempts": [ATTEMPT], "observations": [OBSERVATION]}),
)
async def read_trial(context: ContextDep, trial: str) -> TrialHistoryAnswer:
    """A trial with all its attempts and all reports that came in, those that came late with them."""
    return history_schema(await history.read_trial(context, trial))
