"""A real server for the client's tests: the application with a fake model, SQLite in a file, on a free port of this machine."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from service.app import create_app
from service.settings import Settings
from tests.fakes import FakeWorker, write_model


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The URL of a server that runs in a thread until the block ends."""
    write_model(folder, "fake", "nasbench101")
    url = f"sqlite:///{folder / 'svge.db'}"
    settings = Settings.model_validate({"database_url": url, "models_folder": folder, "sweep_seconds": 0.1})
    with listening(create_app(settings, FakeWorker(folder))) as address:
        yield address


@contextmanager
def listening(app: FastAPI) -> Iterator[str]:
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
