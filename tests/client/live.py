"""A real server for the client's tests: the application with a fake model, SQLite in a file, on a free port of this machine."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from service.app import create_app
from service.settings import Settings
from tests.fakes import FakeWorker, write_model


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The URL of a server that runs in a thread until the block ends."""
    with listening(application(folder)) as address:
        yield address


def application(folder: Path, *models: str) -> FastAPI:
    """The service with one model of its own, and those of these names, all of NAS-Bench-101."""
    for name in ("fake", *models):
        write_model(folder, name, "nasbench101")
    url, uploads = f"sqlite:///{folder / 'svge.db'}", folder / "uploads"
    given = {"database_url": url, "models_folder": folder, "uploads_folder": uploads, "sweep_seconds": 0.1}
    settings = Settings.model_validate(given)
    return create_app(settings, FakeWorker(*settings.model_folders))


class Recorder:
    """An application that keeps the ids of the operations of the OpenAPI document that were called, and the last credentials."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.called: set[str] = set()
        self.authorization = ""
        self._patterns = [
            (method.upper(), re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), operation["operationId"])
            for path, methods in app.openapi()["paths"].items()
            for method, operation in methods.items()
        ]

    @property
    def operations(self) -> set[str]:
        return {operation for _, _, operation in self._patterns}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.authorization = dict(scope["headers"]).get(b"authorization", b"").decode()
            self.called |= {
                operation
                for method, pattern, operation in self._patterns
                if method == scope["method"] and pattern.fullmatch(scope["path"])
            }
        await self.app(scope, receive, send)


@contextmanager
def listening(app: ASGIApp) -> Iterator[str]:
    """The URL of an application on a free port, in a thread until the block ends."""
    server = uvicorn.Server(uvicorn.Config(app, loop="asyncio", http="h11", ws="none", log_config=None, access_log=False))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
