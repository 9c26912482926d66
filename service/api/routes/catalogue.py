"""What can be searched, and with which trained models. Adding to it is `uploads.py`."""

import anyio.to_thread
from fastapi import APIRouter

from service.api.dependencies import ContextDep
from service.api.openapi import example
from service.api.schemas.catalogue import MODEL, SPACE, ModelsAnswer, SpacesAnswer, model_schema, space_schema
from service.studies.catalogue import Folders, all_models, all_spaces

router = APIRouter(tags=["catalogue"])


@router.get("/spaces", response_model=SpacesAnswer, responses=example(200, {"spaces": [SPACE]}))
async def list_spaces(context: ContextDep) -> SpacesAnswer:
    """The search spaces: those that are always there, and those that people have added."""
    return await anyio.to_thread.run_sync(_spaces, context.settings.model_folders)


@router.get("/models", response_model=ModelsAnswer, responses=example(200, {"models": [MODEL]}))
async def list_models(context: ContextDep) -> ModelsAnswer:
    """The trained models, each of one space."""
    cards = await anyio.to_thread.run_sync(all_models, context.settings.model_folders)
    return ModelsAnswer(models=[model_schema(card) for card in cards])


def _spaces(folders: Folders) -> SpacesAnswer:
    """In a thread, as counting the architectures of a user's space may take a second."""
    cards = all_models(folders)
    return SpacesAnswer(spaces=[space_schema(space, cards) for space in all_spaces(folders)])
