"""The composition root of the API process: which storage, which model worker, which routes."""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import AsyncIterator

import anyio.to_thread
from fastapi import Depends, FastAPI
from fastapi.telemetry import TelemetryConfig

from service.api.authorisation import Authorisation
from service.api.openapi import install_openapi, operation_id
from service.api.problems import install_problem_handlers
from service.api.query_parameters import check_query_parameters
from service.api.rate_limit import RateLimit
from service.api.replays import Replay
from service.api.requests import BodyLimit, RequestContext
from service.api.routes import catalogue, files, health, latents, metrics, plots, studies, trainers, trials, uploads
from service.api.same_machine import SameMachine
from service.dashboard.install import install_dashboard
from service.errors import DatabaseUnavailable
from service.settings import Settings
from service.storage import schema
from service.storage.session import Clock, Database, database_clock
from service.studies import leases, replays
from service.studies.context import Context
from service.studies.health import program_version
from service.studies.keys import Doorkeeper
from service.studies.suggest import Suggester
from service.studies.uploads import forget_abandoned
from service.workers.worker import ModelWorker

_log = logging.getLogger(__name__)

_DESCRIPTION = """Proposes neural architectures to train, learns from the results, and lets you look into its latent space.

Create a study, then let each trainer repeat: `POST /suggest`, train, `POST /observe`."""

_TELEMETRY: TelemetryConfig = {
    # Nothing is sent unless OTEL_EXPORTER_OTLP_ENDPOINT says where to.
    "auto_configure": True,
    "exclude": lambda scope: scope["path"] in ("/healthz", "/readyz", "/metrics"),
}


def create_app(settings: Settings, worker: ModelWorker, clock: Clock = database_clock) -> FastAPI:
    """The application. Its lifespan upgrades the database, sweeps expired leases, and closes `worker` and the database.

    `clock` tells the time inside a transaction; leases go by it.
    """

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(worker.close)
            database = Database(settings.database_url, clock)
            stack.push_async_callback(anyio.to_thread.run_sync, database.close)
            await anyio.to_thread.run_sync(schema.upgrade, database)
            await anyio.to_thread.run_sync(forget_abandoned, settings)
            app.state.context = context = Context(settings, database, worker, new_id=lambda: uuid.uuid4().hex)
            app.state.doorkeeper = Doorkeeper(database)
            app.state.suggester = Suggester(context)
            stack.push_async_callback(app.state.suggester.close)
            stack.push_async_callback(_end, asyncio.create_task(_sweep_for_ever(context)))
            yield

    app = FastAPI(
        title="SVGe Search",
        version=program_version(),
        summary="Neural architecture search as a service",
        description=_DESCRIPTION,
        lifespan=lifespan,
        generate_unique_id_function=operation_id,
        docs_url=None,
        redoc_url=None,
        telemetry=_TELEMETRY,
    )
    _add_middleware(app, settings)
    for module in (trainers, latents, studies, files, plots, trials, catalogue, uploads):
        app.include_router(module.router, dependencies=[Depends(check_query_parameters)])
    for module in (health, metrics):
        app.include_router(module.router)
    install_problem_handlers(app)
    install_openapi(app)
    install_dashboard(app, settings)
    return app


def _add_middleware(app: FastAPI, settings: Settings) -> None:
    """What stands between a request and its route; the last one added sees it first."""
    app.add_middleware(Replay)
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes)
    if settings.needs_keys:
        app.add_middleware(Authorisation)
    elif settings.auth == "auto":
        app.add_middleware(SameMachine)
    if settings.requests_per_minute:
        app.add_middleware(RateLimit, requests_per_minute=settings.requests_per_minute)
    app.add_middleware(RequestContext)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _sweep_for_ever(context: Context) -> None:
    while True:
        for sweep in (leases.sweep, replays.forget_old):
            try:
                await sweep(context)
            except DatabaseUnavailable as error:
                _log.warning("no sweep this time: %s", error)
            except Exception:
                _log.exception("no sweep this time")  # a sweep that ended for good would leave trials with dead workers
        await asyncio.sleep(context.settings.sweep_seconds)
