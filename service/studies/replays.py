"""Answering a request that comes again under the same idempotency key with the answer that it got the first time.

A key is marked in the database before its request is carried out, so that of several processes one does it and the others wait
for its answer. A mark shows signs of life; one without belongs to a process that died, and the next request takes it over.

What matters most is repeat-safe without a key: a worker that asks again gets its own trials, and the same observation again
changes nothing. That is what a request meets whose first process died between its commit and its answer. A key adds that the
answer is the same to the letter.
"""

import asyncio
import contextlib
import logging
from datetime import timedelta
from functools import partial
from types import TracebackType

from sqlalchemy.orm import Session

from models.architectures.architecture import Fault
from service.errors import DatabaseUnavailable, IdempotencyKeyReused, RequestInProgress
from service.storage import replays
from service.storage.replays import PendingRequest, StoredAnswer
from service.studies.context import Context

HEADER = "Idempotency-Key"

_RENEW_SECONDS = 2.0
_DEAD_SECONDS = 8.0
_PATIENCE_SECONDS = 10.0
_POLL_SECONDS = 0.05

_log = logging.getLogger(__name__)


class Claim:
    """The right to carry out the request of one key, used as a context: it is renewed until the block ends. A request whose answer
    was not kept by then may come again as if it were new.
    """

    def __init__(self, context: Context, key: str, fingerprint: str, holder: str) -> None:
        self._context = context
        self._key = key
        self._fingerprint = fingerprint
        self._holder = holder
        self._renewing: asyncio.Task[None] | None = None
        self._kept = False

    async def __aenter__(self) -> "Claim":
        self._renewing = asyncio.create_task(self._renew())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._renewing is not None:
            self._renewing.cancel()
        if not self._kept:
            with contextlib.suppress(DatabaseUnavailable):  # then the mark loses its signs of life, to the same effect
                await self._context.database.write(lambda session: replays.abandon(session, self._key, self._holder))

    async def keep(self, status: int, media_type: str, body: str) -> bool:
        """Keep the answer for requests to come; False where another process has taken the request over, whose answer counts."""
        database, answer = self._context.database, StoredAnswer(self._fingerprint, status, media_type, body)
        self._kept = await database.write(
            lambda session: replays.finish(session, self._key, self._holder, answer, database.now(session))
        )
        return self._kept

    async def _renew(self) -> None:
        database = self._context.database
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            try:
                await database.write(lambda session: replays.renew(session, self._key, self._holder, database.now(session)))
            except DatabaseUnavailable as error:
                _log.warning("no sign of life for the idempotency key '%s' this time: %s", self._key, error)


async def claim(context: Context, key: str, fingerprint: str) -> StoredAnswer | Claim:
    """The answer kept for a key, or the right to carry out its request. Waits while another request with the key is worked on.

    Raises `IdempotencyKeyReused` where the key belongs to another request, and `RequestInProgress` after waiting for too long.
    """
    loop, holder = asyncio.get_running_loop(), context.new_id()
    deadline = loop.time() + _PATIENCE_SECONDS
    while True:
        found = await context.database.read(partial(_find, context, key, fingerprint))
        if isinstance(found, StoredAnswer):
            return found
        if found is None and await context.database.write(partial(_begin, context, key, fingerprint, holder)):
            return Claim(context, key, fingerprint, holder)
        if loop.time() > deadline:
            raise RequestInProgress(f"the first request with the key '{key}' is still being worked on; send it again in a moment")
        await asyncio.sleep(_POLL_SECONDS)


def _find(context: Context, key: str, fingerprint: str, session: Session) -> StoredAnswer | PendingRequest | None:
    """What is known of a key, None where its request may be begun."""
    found = replays.find(session, key)
    if found is not None and found.fingerprint != fingerprint:
        message = f"the key '{key}' belongs to an earlier request with another path or body; use a new key for each request"
        raise IdempotencyKeyReused([Fault(f"/{HEADER}", message)])
    return None if isinstance(found, PendingRequest) and _is_dead(context, found, session) else found


def _is_dead(context: Context, request: PendingRequest, session: Session) -> bool:
    return request.renewed_at < context.database.now(session) - timedelta(seconds=_DEAD_SECONDS)


def _begin(context: Context, key: str, fingerprint: str, holder: str, session: Session) -> bool:
    """Whether the request is the holder's now."""
    request, found = PendingRequest(fingerprint, holder, context.database.now(session)), replays.find(session, key)
    if found is None:
        return replays.begin(session, key, request)
    if isinstance(found, StoredAnswer) or not _is_dead(context, found, session):
        return False
    return replays.take_over(session, key, found, request)


async def forget_old(context: Context) -> None:
    """Drop the answers that are older than the settings say. Takes the write lock only if there are any."""
    if await context.database.read(partial(_has_old, context)):
        await context.database.write(partial(_forget_old, context))


def _has_old(context: Context, session: Session) -> bool:
    return replays.has_older(session, context.database.now(session) - timedelta(hours=context.settings.idempotency_hours))


def _forget_old(context: Context, session: Session) -> None:
    replays.forget(session, context.database.now(session) - timedelta(hours=context.settings.idempotency_hours))
