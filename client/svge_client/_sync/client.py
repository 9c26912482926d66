"""The client: one method for each thing that the service does, in the parts that it inherits."""

import os
import random
import secrets
import socket
from types import TracebackType
from typing import Self

import httpx

from svge_client._sync.catalogue import Catalogue
from svge_client._sync.files import Files
from svge_client._sync.latents import Latents
from svge_client._sync.studies import Studies
from svge_client._sync.trainer import Trainer
from svge_client._sync.transport import Transport
from svge_client.address import authorization, server_url
from svge_client.retry import Retry

_DEFAULT_RETRY = Retry()
_DEFAULT_URL = "http://127.0.0.1:8000"


class Client(Trainer, Studies, Files, Latents, Catalogue):
    """Speaks to one server as one worker. `Client` is for threads, `AsyncClient` for asyncio; they have the same methods.

    The server gives a worker that asks again what it already holds, so trials that run side by side need different workers:
    one client for each, or the argument `worker`. Methods may be called from several threads or tasks. Every method raises
    `SvgeError`s (see `errors.py`).

    `base_url` is the environment's `SVGE_URL` unless given, else that of this machine. `worker` defaults to host name, process id
    and a random part; a trainer that shall get its own trial back after a restart gives a name of its own. `timeout` is in
    seconds, for each attempt, and must exceed the `wait` of `suggest`. `token` is that of a key, where the server needs one; the
    environment's `SVGE_TOKEN` unless given. Raises `ValueError` for an address or a token that cannot be one.
    """

    def __init__(
        self,
        base_url: str | None = None,
        worker: str | None = None,
        timeout: float = 30.0,
        retry: Retry = _DEFAULT_RETRY,
        transport: httpx.BaseTransport | None = None,
        token: str | None = None,
    ) -> None:
        self.base_url = server_url(base_url or os.environ.get("SVGE_URL") or _DEFAULT_URL)
        headers = {"Accept": "application/json", **authorization(token or os.environ.get("SVGE_TOKEN"))}
        self._http = httpx.Client(base_url=self.base_url, timeout=timeout, transport=transport, headers=headers)
        own_name = worker or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        super().__init__(Transport(self._http, retry, random.Random()), own_name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()
