"""One trial by its id."""

import anyio.to_thread
from fastapi import APIRouter, Response

from service.api.dependencies import ContextDep
from service.api.forms import architecture_response, documented
from service.api.negotiation import VARY, WantedDep
from service.api.schemas.trials import ATTEMPT, COMPLETED, OBSERVATION, TrialHistoryAnswer, history_schema
from service.studies import history

router = APIRouter(prefix="/trials", tags=["trials"])


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
