"""Is the process alive, can it do its work, and which build is it."""

from fastapi import APIRouter

from service.api.dependencies import ContextDep
from service.api.openapi import example
from service.api.schemas.catalogue import BUILD, READY, AliveAnswer, BuildAnswer, ReadyAnswer
from service.studies import health

router = APIRouter(tags=["health"])


@router.get("/healthz", response_model=AliveAnswer, responses=example(200, {"status": "alive"}))
async def healthz() -> AliveAnswer:
    """Whether the process answers; nothing else is looked at."""
    return AliveAnswer()


@router.get("/readyz", response_model=ReadyAnswer, responses=example(200, READY))
async def readyz(context: ContextDep) -> ReadyAnswer:
    """Whether the database answers, its schema is the newest, and the model worker answers; 503 when not."""
    return ReadyAnswer(checks=await health.check_ready(context))


@router.get("/version", response_model=BuildAnswer, responses=example(200, BUILD))
async def version() -> BuildAnswer:
    """Which build answers."""
    build = await health.read_build()
    return BuildAnswer(version=build.version, schema_revision=build.schema, python=build.python)
