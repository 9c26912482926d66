"""What plots of a study are drawn from: the best value so far, and its trials in the latent space."""

from typing import Annotated

from fastapi import APIRouter, Query

from service.api.dependencies import ContextDep, check_limit
from service.api.openapi import example
from service.api.schemas.plots import CURVE, MAP, CurveAnswer, MapAnswer, curve_schema, map_schema
from service.studies.curve import curve
from service.studies.latent_map import latent_map

router = APIRouter(prefix="/studies", tags=["studies"])


@router.get("/{name}/curve", response_model=CurveAnswer, responses=example(200, CURVE))
async def study_curve(context: ContextDep, name: str) -> CurveAnswer:
    """The best value so far over the number of completed trials: the trials that improved it."""
    return curve_schema(await curve(context, name))


@router.get("/{name}/latent-map", response_model=MapAnswer, responses=example(200, MAP))
async def study_map(
    context: ContextDep,
    name: str,
    limit: Annotated[int, Query(ge=1, description="Most trials, the newest.", examples=[500])] = 500,
    sample: Annotated[int, Query(ge=0, description="Random architectures of the space beside them.", examples=[200])] = 200,
) -> MapAnswer:
    """The newest trials and a sample of the space in a plane of the latent space, with what the study expects of the sample.

    The axes are those along which random architectures differ most; they stay the same while the study grows.
    """
    check_limit(limit, context.settings.max_page, "/limit", "trials")
    check_limit(sample, context.settings.max_page, "/sample", "architectures")
    return map_schema(await latent_map(context, name, limit, sample))
