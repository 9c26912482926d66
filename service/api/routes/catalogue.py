"""What can be searched, and with which trained models."""

import anyio.to_thread
from fastapi import APIRouter

from models.spaces.registry import get_space, space_names
from service.api.dependencies import ContextDep
from service.api.openapi import example
from service.api.schemas.catalogue import MODEL, SPACE, ModelsAnswer, SpacesAnswer, model_schema, space_schema
from service.studies.catalogue import all_models

router = APIRouter(tags=["catalogue"])


@router.get("/spaces", response_model=SpacesAnswer, responses=example(200, {"spaces": [SPACE]}))
async def list_spaces(context: ContextDep) -> SpacesAnswer:
    """The search spaces."""
    cards = await anyio.to_thread.run_sync(all_models, context.settings.models_folder)
    return SpacesAnswer(spaces=[space_schema(get_space(name), cards) for name in space_names()])


@router.get("/models", response_model=ModelsAnswer, responses=example(200, {"models": [MODEL]}))
async def list_models(context: ContextDep) -> ModelsAnswer:
    """The trained models, each of one space."""
    cards = await anyio.to_thread.run_sync(all_models, context.settings.models_folder)
    return ModelsAnswer(models=[model_schema(card) for card in cards])
