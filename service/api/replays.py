"""The `Idempotency-Key` header: the same POST again gets the stored answer. What is kept, and how long: `studies/replays.py`."""

import hashlib
import re

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.architectures.architecture import Fault
from service.api.problems import service_problem
from service.errors import InvalidRequest, ServiceError
from service.storage.replays import StoredAnswer
from service.studies.context import Context
from service.studies.replays import HEADER, claim

_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_KEPT_REFUSALS = (409, 422)
_REPLAYED = {"Idempotency-Replayed": "true"}


class Replay:
    """Lets each keyed POST through once, and keeps its answer before sending it if that is one of the work itself: done, or
    refused for what it says. What does not exist yet (404) or fails (5xx) may go well another time.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = Headers(scope=scope).get(HEADER) if scope["type"] == "http" and scope["method"] == "POST" else None
        if key is None:
            await self._app(scope, receive, send)
            return
        try:
            if not _KEY.fullmatch(key):
                raise InvalidRequest([Fault(f"/{HEADER}", "expected 1 to 200 visible ASCII characters; a UUID serves well")])
            response = await self._answer(scope["app"].state.context, scope, await Request(scope, receive).body(), key)
        except ServiceError as error:
            response = service_problem(error, scope["path"])
        await response(scope, receive, send)

    async def _answer(self, context: Context, scope: Scope, body: bytes, key: str) -> Response:
        target = scope["path"].encode() + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        kind = Headers(scope=scope).get("Content-Type", "").encode()
        fingerprint = hashlib.sha256(b"\0".join((target, kind, body))).hexdigest()
        while True:
            found = await claim(context, key, fingerprint)
            if isinstance(found, StoredAnswer):
                return Response(found.body, found.status, _REPLAYED, found.media_type)
            async with found:
                response = await self._first_answer(scope, body)
                if response.status_code >= 300 and response.status_code not in _KEPT_REFUSALS:
                    return response
                if await found.keep(response.status_code, response.headers["content-type"], bytes(response.body).decode()):
                    return response

    async def _first_answer(self, scope: Scope, body: bytes) -> Response:
        """What the application answers, held back as a whole."""
        response, parts = Response(), bytearray()

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def hold(message: Message) -> None:
            if message["type"] == "http.response.start":
                response.status_code = message["status"]
                response.raw_headers = list(message["headers"])
            else:
                parts.extend(message.get("body", b""))

        await self._app(scope, receive, hold)
        response.body = bytes(parts)
        return response
