"""What happens around every request: its id, its line in the log, its size limit, and an answer to failures nobody foresaw.

The one operation that reads a body of its own, as it comes, is in `routes/uploads.py`.
"""

import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import metrics
from service.api.problems import BODY_TOO_LARGE, METHODS, internal_problem, problem_response
from service.logs import request_id, set_request_id

HEADER = "X-Request-ID"
_UPLOADS = "/models/"
_SECURITY = {"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer"}

_log = logging.getLogger(__name__)
_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_DRAIN_FACTOR = 8


class RequestContext:
    """Names each request, by the caller's `X-Request-ID` or a new id, logs its outcome, and turns stray exceptions into a 500."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        set_request_id(given if _SANE_ID.fullmatch(given) else uuid.uuid4().hex[:16])
        status = 0
        started = time.perf_counter()

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[HEADER] = request_id()
                headers.update(_SECURITY)
            await send(message)

        try:
            await self._app(scope, receive, send_named)
        except Exception:
            _log.exception("%s %s failed", scope["method"], scope["path"])
            if status:
                raise
            await internal_problem(scope["path"])(scope, receive, send_named)
        finally:
            seconds = time.perf_counter() - started
            milliseconds = round(seconds * 1000, 1)
            metrics.requests.labels(_method(scope), _route(scope), status).observe(seconds)
            fields = {"method": scope["method"], "path": scope["path"], "status": status, "milliseconds": milliseconds}
            _log.info("%s %s %d", scope["method"], scope["path"], status, extra=fields)


def _method(scope: Scope) -> str:
    """One of few, however callers spell theirs: each value is a time series."""
    method: str = scope["method"]
    return method if method in METHODS else "other"


def _route(scope: Scope) -> str:
    """The path with the names of its parameters, where an operation was found."""
    return getattr(scope.get("route"), "path", "none")


class BodyLimit:
    """Reads each body before the application sees it, and answers 413 above the limit.

    The rest of a body that is too large is read and dropped, up to a bound, so that a caller who is still sending gets the answer
    instead of a broken connection. The application reads uploads itself; that it may refuse one before its end is treated alike.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "PUT" and scope["path"].startswith(_UPLOADS):
            await self._app(scope, *_drained(receive, send, _DRAIN_FACTOR * self._max_bytes, _waits(scope)))
            return
        body = bytearray()
        received, more = 0, True
        while more and received <= _DRAIN_FACTOR * self._max_bytes:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            part = message.get("body", b"")
            received, more = received + len(part), message.get("more_body", False)
            if received <= self._max_bytes:
                body += part
        if received > self._max_bytes:
            detail = (
                f"expected a body of at most {self._max_bytes} bytes (SVGE_MAX_BODY_BYTES); send the entries in several requests"
            )
            await problem_response(BODY_TOO_LARGE, detail, scope["path"])(scope, receive, send)
            return
        await self._app(scope, _replay(bytes(body), receive), send)


def _waits(scope: Scope) -> bool:
    """Whether the caller sends the body only when it is asked for."""
    return Headers(scope=scope).get("Expect", "").lower() == "100-continue"


def _drained(receive: Receive, send: Send, bound: int, waits: bool) -> tuple[Receive, Send]:
    """A `receive` and a `send` for an application that may refuse a body before its end: before the refusal is sent, the rest of
    the body is read and dropped, up to a bound in bytes, unless the caller waits to be asked for it.
    """
    more, asked = True, not waits

    async def receive_part() -> Message:
        nonlocal more, asked
        asked = True
        message = await receive()
        more = message["type"] == "http.request" and message.get("more_body", False)
        return message

    async def send_last(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] >= 400 and asked:
            dropped = 0
            while more and dropped <= bound:
                dropped += len((await receive_part()).get("body", b""))
        await send(message)

    return receive_part, send_last


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the whole body first."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return first.pop() if first else await receive()

    return receive_again
