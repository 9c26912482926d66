"""The connection of an API process to a Ray cluster, held by a thread that opens, watches and reopens it.

It goes through Ray's client server (`ray://`): a process that joins a cluster as its driver is ended by Ray a minute after the head
is lost, and this one has to live on.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ["RAY_ENABLE_AUTO_CONNECT"] = "0"  # read when Ray is loaded; else a call after a loss would start a cluster here
os.environ["RAY_CLIENT_RECONNECT_GRACE_PERIOD"] = "0"  # else calls hang meanwhile

import ray
import ray.util.client
from ray import serve
from ray.serve.handle import DeploymentHandle

CODER, PROPOSER = "svge-coder", "svge-proposer"

_WATCH_SECONDS = 1.0
_PING_SECONDS = 2.0
_PINGS = 20
"""So many in a row without an answer, and without one to any other call, are a loss: a minute, as replicas take time to start."""

_FIRST_PINGS = 5
"""So many of a session that nothing has answered yet: it may have missed replicas that a new one finds at once."""

_LATELY_SECONDS = 10.0
_TRIES = 3

_log = logging.getLogger(__name__)


class Session:
    """One connection with the handles of the deployments, until it is lost."""

    def __init__(self) -> None:
        self.coder = _initialised(CODER)
        self.proposer = _initialised(PROPOSER)
        self.started = self.answered = time.monotonic()
        self._lock = threading.Lock()
        self._waiting: set[Callable[[], object]] | None = set()

    @contextmanager
    def telling(self, when_lost: Callable[[], object]) -> Iterator[None]:
        """Call `when_lost` if the session is lost within the context, from the thread that watches it, or at once."""
        with self._lock:
            if self._waiting is not None:
                self._waiting.add(when_lost)
            else:
                when_lost()
        try:
            yield
        finally:
            with self._lock:
                if self._waiting is not None:
                    self._waiting.discard(when_lost)

    @property
    def has_answered(self) -> bool:
        return self.answered > self.started

    @property
    def is_answering(self) -> bool:
        """Whether both deployments have had a replica, and one has answered lately."""
        have_replicas = self.coder.running_replicas_populated() and self.proposer.running_replicas_populated()
        return bool(have_replicas) and time.monotonic() - self.answered < _LATELY_SECONDS

    def lose(self) -> None:
        """Tell everybody who waits."""
        with self._lock:
            waiting, self._waiting = self._waiting or (), None
        for tell in waiting:
            tell()


class Connection:
    """Keeps a `Session` with the cluster at a `ray://` address; `session` is None while there is none."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.session: Session | None = None
        self._closing = threading.Event()
        self._told = ""
        self._thread = threading.Thread(target=self._keep, name="ray connection", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Leave the cluster, which goes on."""
        self._closing.set()
        self._thread.join(timeout=10)

    def _keep(self) -> None:
        while not self._closing.is_set():
            try:
                with connected(self.address):
                    self._serve()
            except Exception as error:  # whatever Ray raises: there is nobody else to try again
                self._tell(f"no Ray cluster at {self.address}, proposals are drawn at random until there is one: {error}")
            finally:
                self._lose()
            self._closing.wait(_WATCH_SECONDS)

    def _serve(self) -> None:
        """Hold a session until the cluster is lost. A deployment that is not there yet is looked for again."""
        while not self._closing.is_set() and ray.util.client.ray.is_connected():
            try:
                session = Session()
            except Exception as error:
                self._tell(f"the model worker is not deployed at {self.address}, see 'svge worker deploy': {error}")
                serve.context._set_global_client(None)
                self._closing.wait(_WATCH_SECONDS)
                continue
            self.session = session
            self._watch(session)
            return

    def _watch(self, session: Session) -> None:
        unanswered = 0
        while ray.util.client.ray.is_connected() and not self._closing.wait(_WATCH_SECONDS):
            asked = time.monotonic()
            ping = session.coder.ping.remote()
            try:
                ping.result(timeout_s=_PING_SECONDS)
                session.answered = time.monotonic()
            except Exception:  # whatever Ray raises: the count below tells what it means
                with suppress(Exception):
                    ping.cancel()
            if session.answered >= asked:
                unanswered = 0
                self._tell(f"the model worker answers at {self.address}")
                continue
            unanswered += 1
            if unanswered >= (_PINGS if session.has_answered else _FIRST_PINGS):
                return

    def _lose(self) -> None:
        session, self.session = self.session, None
        if session is not None:
            self._tell(f"the model worker at {self.address} does not answer, proposals are drawn at random until it does")
            session.lose()

    def _tell(self, message: str) -> None:
        if message != self._told and not self._closing.is_set():
            _log.warning("%s", message)
        self._told = message


@contextmanager
def connected(address: str) -> Iterator[None]:
    """A connection to a cluster for as long as the context lasts; one at a time in a process. Raises `OSError`.

    The port is tried first, because Ray tries for half a minute.
    """
    place = urlsplit(address)
    with socket.create_connection((place.hostname or "", place.port or 10001), timeout=5):
        pass
    _join(address)
    try:
        yield
    finally:
        serve.context._set_global_client(None)  # it would be taken for one of the next connection
        with suppress(Exception):
            ray.shutdown()


def _join(address: str) -> None:
    """Connect. The head forks a process for it, which may die at once unless the head has `GRPC_ENABLE_FORK_SUPPORT=0`."""
    for attempt in range(1, _TRIES + 1):
        try:
            ray.init(address, log_to_driver=False, logging_level=logging.WARNING)
            return
        except ConnectionAbortedError:
            ray.shutdown()
            if attempt == _TRIES:
                raise


def _initialised(name: str) -> DeploymentHandle[Any]:
    """The handle of a deployment; its first use asks the cluster, which a call in an event loop must not wait for."""
    return serve.get_deployment_handle(name, name).options(method_name="__call__")
