"""The application in process: on a temporary SQLite file, with a fake model worker and a clock that tests can move."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy.orm import Session

from service.app import create_app
from service.settings import Settings
from service.storage.session import database_clock
from tests.fakes import FakeWorker, write_model

ONE_SPACE = {"name": "demo", "space": "nasbench201", "objective": "maximize", "seed": 0}


class MovableClock:
    """The database's clock, ahead by `offset`."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def __call__(self, session: Session) -> datetime:
        return database_clock(session) + self.offset

    def advance(self, seconds: float) -> None:
        self.offset += timedelta(seconds=seconds)


@dataclass
class Service:
    """A running application, with what stands behind it."""

    app: FastAPI
    client: httpx.AsyncClient
    worker: FakeWorker
    clock: MovableClock

    async def post(self, path: str, body: Any, status: int = 200) -> Any:
        return _checked(await self.client.post(path, json=body), status)

    async def get(self, path: str, status: int = 200, **params: Any) -> Any:
        return _checked(await self.client.get(path, params=params), status)

    async def suggest(self, worker: str, count: int = 1, **more: Any) -> Any:
        return await self.post("/suggest", {"study": "demo", "worker": worker, "count": count, **more})

    async def observe(self, trial: Any, value: float, status: int = 200) -> Any:
        return await self.post("/observe", {"trial": trial["id"], "attempt": trial["attempt"], "value": value}, status)


@contextlib.asynccontextmanager
async def running(folder: Path, **settings: Any) -> AsyncIterator[Service]:
    """A service whose database and models are in `folder`; the same folder again is the service started again."""
    for name, space in (("cells", "nasbench101"), ("lines", "nasbench201"), ("macros", "enas_macro")):
        write_model(folder, name, space)
    uploads = folder / "uploads"
    worker, clock = FakeWorker(folder, uploads), MovableClock()
    chosen = {"database_url": f"sqlite:///{folder}/test.db", "models_folder": folder, "uploads_folder": uploads}
    chosen |= {"sweep_seconds": 3600.0, **settings}
    app = create_app(Settings(**chosen), worker, clock)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield Service(app, client, worker, clock)


def _checked(response: httpx.Response, status: int) -> Any:
    assert response.status_code == status, response.text
    if status >= 400:
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["status"] == status
    return response.json()
