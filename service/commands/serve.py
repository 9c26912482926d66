"""`svge serve`: the API, the database and the model process of one machine."""

import signal
import socket
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Annotated

import typer
import uvicorn
from sqlalchemy import make_url

from models.pretrained.catalogue import read_cards
from service.app import create_app
from service.commands.database import prepare_database
from service.commands.documents import refusals
from service.commands.settings import read_settings
from service.logs import configure_logs
from service.settings import Settings
from service.storage.session import Database
from service.studies.keys import list_keys
from service.workers.local import local_worker
from service.workers.worker import ModelWorker

_GRACE_SECONDS = 10


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; overrides SVGE_HOST.", show_default="127.0.0.1")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port, 0 for any free one; overrides SVGE_PORT.", show_default="8000")
    ] = None,
    database_url: Annotated[
        str | None, typer.Option(help="SQLAlchemy URL; overrides SVGE_DATABASE_URL.", show_default="sqlite:///data/svge.db")
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="auto, cpu, cuda or cuda:N for the model; overrides SVGE_DEVICE.", show_default="auto")
    ] = None,
) -> None:
    """Serve studies over HTTP until Ctrl-C.

    Everything has a default: a SQLite file in ./data, the shipped checkpoints, the GPU if there is one. All other settings are
    SVGE_… environment variables.
    """
    given = {"host": host, "port": port, "database_url": database_url, "device": device}
    with refusals():
        settings = read_settings(given)
        read_cards(*settings.model_folders)
        prepare_database(settings.database_url)
        _check_keys(settings)
        open_worker = _opener(settings)
        listener = listen(settings.host, settings.port)
    app = create_app(settings, open_worker())
    configure_logs(settings.log_level)
    # Named, because uvicorn would take others where an optional package has brought them along.
    config = uvicorn.Config(
        app, loop="asyncio", http="h11", ws="none", log_config=None, access_log=False, timeout_graceful_shutdown=_GRACE_SECONDS
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # uvicorn raises it again at the end: leave then as after Ctrl-C
    try:
        _announce(settings, listener)
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        typer.echo("stopped")


def _opener(settings: Settings) -> Callable[[], ModelWorker]:
    """What opens the model worker that the settings choose. Raises `ValueError` where the packages for it are missing."""
    if settings.worker == "local":
        if find_spec("torch") is None:
            raise ValueError(
                "PyTorch is not installed, so there is no model process; install it: pip install 'svge-search[model]', or set "
                "SVGE_WORKER=ray where the model is on a Ray cluster"
            )
        return partial(local_worker, settings.device, *settings.model_folders)
    try:
        from service.workers.ray import RayWorker  # takes seconds to import, and needs the extra
    except ImportError as error:
        raise ValueError(
            f"SVGE_WORKER is ray and Ray is not installed ({error}); install it: pip install 'svge-search[ray]'"
        ) from error
    return partial(RayWorker, settings.ray_address)


def _check_keys(settings: Settings) -> None:
    """Raises `ValueError` where keys are needed and there is none: nobody could use such a service, or everybody."""
    if not settings.needs_keys:
        return
    database = Database(settings.database_url)
    try:
        if not list_keys(database):
            raise ValueError(
                f"on {settings.host} every request needs a key and there is none in this database; make one with 'svge keys create "
                "NAME --scope admin' (and the same --database-url), or set SVGE_AUTH=off where nobody else can reach the address"
            )
    finally:
        database.close()


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises `ValueError` where nothing can.

    Its connections send at once: asyncio sees to that only where it opens the socket itself, and without it the second part of an
    answer waits until the client has acknowledged the first, 40 ms.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        raise ValueError(
            f"cannot listen on {host} port {port}: {error.strerror or error}; choose another --port or --host"
        ) from error


def _announce(settings: Settings, listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    names = ", ".join(card.name for card in read_cards(*settings.model_folders))
    place = settings.device if settings.worker == "local" else settings.ray_address
    typer.echo(
        f"SVGe Search listens on {url} (Ctrl-C stops it)\n"
        f"  database  {make_url(settings.database_url).render_as_string(hide_password=True)}\n"
        f"  models    {names or 'none yet: train one with svge train'} on {place}\n"
        f"  dashboard {url}/dashboard/\n"
        f"  API       {url}/docs\n"
        f"Start trainers in other terminals, for example:\n"
        f"  .venv/bin/python examples/train_digits.py --trainers 3 --trials 40 --url {url}"
    )
