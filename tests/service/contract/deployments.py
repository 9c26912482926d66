"""Where the contract suite runs: the service in process, or as API processes with sockets, on one database each."""

import asyncio
import multiprocessing
import secrets
import socket
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Protocol

import httpx

from service.app import create_app
from service.settings import Settings
from tests.fakes import write_model
from tests.service.contract.app import ContractWorker, serve

PATIENCE = 60.0
SETTINGS = {"sweep_seconds": "0.2", "compute_seconds": "1", "suggest_wait_seconds": "20", "requests_per_minute": "0"}

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["tests.service.contract.app"])  # importing the service takes longer than starting it


class Deployment(Protocol):
    """API processes on one database. `clients` reach one of them each."""

    database_url: str
    models_folder: Path
    clients: Sequence[httpx.AsyncClient]

    async def crash(self) -> None:
        """End every API process as SIGKILL does, and start them again."""
        ...

    def beside(self, *, clock_ahead: float = 0.0, **settings: str) -> AbstractAsyncContextManager[httpx.AsyncClient]:
        """One more API process on the same database, with other settings, or one whose clock is wrong by some seconds."""
        ...


class InProcess:
    """The application in this process, reached without a socket. A crash leaves the old one to itself, never closed in order."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self.database_url = f"sqlite:///{folder}/contract.db"
        self.models_folder = write_models(folder)
        self.clients: list[httpx.AsyncClient] = []
        self._stack = stack

    async def start(self) -> None:
        self.clients = [await self._stack.enter_async_context(self.beside())]

    async def crash(self) -> None:
        await self.start()

    @asynccontextmanager
    async def beside(self, *, clock_ahead: float = 0.0, **settings: str) -> AsyncIterator[httpx.AsyncClient]:
        assert clock_ahead == 0, "the clock of this process is that of the tests"
        places = {"database_url": self.database_url, "models_folder": self.models_folder}
        app = create_app(Settings.model_validate(places | SETTINGS | settings), ContractWorker(self.models_folder))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with app.router.lifespan_context(app), reaching("http://127.0.0.1", transport) as client:
            yield client


class Server:
    """One API process on a port of its own."""

    def __init__(self, settings: Settings, log: Path, clock_ahead: float) -> None:
        self._arguments = (settings, log, clock_ahead)
        self._port = 0
        self.log = log
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start the process; requests wait in the socket until it answers."""
        with socket.create_server(("127.0.0.1", self._port), backlog=256) as listener:
            self._port = listener.getsockname()[1]
            self.process = _PROCESSES.Process(target=serve, args=(listener, *self._arguments), daemon=True)
            self.process.start()

    def kill(self) -> None:
        self.process.kill()
        self.process.join()


@contextmanager
def servers(folder: Path, database_url: str, count: int, clock_ahead: float = 0.0, **settings: str) -> Iterator[list[Server]]:
    """API processes that start at the same moment, their models and logs in `folder`."""
    places = {"database_url": database_url, "models_folder": folder}
    chosen = Settings.model_validate({**places, **SETTINGS, **settings})
    with ExitStack() as stack:
        started = []
        for _ in range(count):
            started.append(Server(chosen, folder / f"{secrets.token_hex(4)}.log", clock_ahead))
            stack.callback(started[-1].kill)
        yield started


class Served:
    """API processes that were started before with some settings of their own, reached through their sockets."""

    def __init__(
        self, folder: Path, database_url: str, started: Sequence[Server], settings: Mapping[str, str], stack: AsyncExitStack
    ) -> None:
        self._settings = settings
        self.database_url = database_url
        self.models_folder = folder
        self.clients: list[httpx.AsyncClient] = []
        self._servers = started
        self._stack = stack

    async def connect(self) -> None:
        self.clients = [await self._stack.enter_async_context(reaching(server.url)) for server in self._servers]
        for server, client in zip(self._servers, self.clients, strict=True):
            await answers(server, client)
            await ready(client)

    async def crash(self) -> None:
        for server in self._servers:
            server.kill()
        for server in self._servers:
            server.start()
        await self.connect()

    @asynccontextmanager
    async def beside(self, *, clock_ahead: float = 0.0, **settings: str) -> AsyncIterator[httpx.AsyncClient]:
        with servers(self.models_folder, self.database_url, 1, clock_ahead, **{**self._settings, **settings}) as (server,):
            async with reaching(server.url) as client:
                await answers(server, client)
                await ready(client)
                yield client


async def answers(server: Server, client: httpx.AsyncClient) -> None:
    """Raises `RuntimeError` with the log of a server that did not start."""
    try:
        (await client.get("/healthz")).raise_for_status()
    except httpx.HTTPError as error:
        raise RuntimeError(f"the server did not start: {server.log.read_text()[-3000:]}") from error


async def ready(client: httpx.AsyncClient) -> None:
    """Wait until a server has all that it needs; a model worker on a cluster is connected to in the background."""
    async with asyncio.timeout(PATIENCE):
        while (await client.get("/readyz")).status_code != 200:
            await asyncio.sleep(0.1)


@asynccontextmanager
async def reaching(url: str, transport: httpx.AsyncBaseTransport | None = None) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, transport=transport, timeout=PATIENCE, trust_env=False) as client:
        yield client


def write_models(folder: Path) -> Path:
    """Checkpoints that exist as far as the service can see; answers the folder."""
    for name, space in (("cells", "nasbench101"), ("lines", "nasbench201"), ("macros", "enas_macro")):
        write_model(folder, name, space)
    return folder
