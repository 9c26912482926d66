"""Answering a request that comes again under the same idempotency key with the answer that it got the first time.

What matters most is repeat-safe without a key: a worker that asks again gets its own trials, and the same observation again
changes nothing. A key adds that the answer is the same to the letter.
"""

from datetime import timedelta
from functools import partial

from sqlalchemy.orm import Session

from models.architectures.architecture import Fault
from service.errors import IdempotencyKeyReused
from service.storage import replays
from service.storage.replays import StoredAnswer
from service.studies.context import Context

HEADER = "Idempotency-Key"


async def recall(context: Context, key: str, fingerprint: str) -> StoredAnswer | None:
    """The answer kept for a key, None for a new one. Raises `IdempotencyKeyReused` where it belongs to another request."""
    stored = await context.database.read(lambda session: replays.find(session, key))
    if stored is not None and stored.fingerprint != fingerprint:
        message = f"the key '{key}' belongs to an earlier request with another path or body; use a new key for each request"
        raise IdempotencyKeyReused([Fault(f"/{HEADER}", message)])
    return stored


async def remember(context: Context, key: str, answer: StoredAnswer) -> None:
    """Keep an answer for requests to come."""
    database = context.database
    await database.write(lambda session: replays.add(session, key, answer, database.now(session)))


async def forget_old(context: Context) -> None:
    """Drop the answers that are older than the settings say. Takes the write lock only if there are any."""
    if await context.database.read(partial(_has_old, context)):
        await context.database.write(partial(_forget_old, context))


def _has_old(context: Context, session: Session) -> bool:
    return replays.has_older(session, context.database.now(session) - timedelta(hours=context.settings.idempotency_hours))


def _forget_old(context: Context, session: Session) -> None:
    replays.forget(session, context.database.now(session) - timedelta(hours=context.settings.idempotency_hours))
