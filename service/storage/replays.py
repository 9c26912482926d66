"""The queries about requests with an idempotency key and the answers kept for them. Each runs in the caller's transaction.

A row begins as the mark of a request that is being worked on, with the status 0 and its holder for a body, and becomes its answer.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CursorResult, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from service.storage.tables import ReplayRow

_PENDING = 0


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The answer to the first request with a key; `fingerprint` tells whether another request is the same."""

    fingerprint: str
    status: int
    media_type: str
    body: str


@dataclass(frozen=True, slots=True)
class PendingRequest:
    """A request that `holder` is working on, or was when it showed its last sign of life at `renewed_at`."""

    fingerprint: str
    holder: str
    renewed_at: datetime


def find(session: Session, key: str) -> StoredAnswer | PendingRequest | None:
    row = session.execute(select(*ReplayRow.__table__.c).where(ReplayRow.key == key)).one_or_none()
    if row is None:
        return None
    if row.status == _PENDING:
        return PendingRequest(row.fingerprint, row.body, row.created_at)
    return StoredAnswer(row.fingerprint, row.status, row.media_type, row.body)


def begin(session: Session, key: str, request: PendingRequest) -> bool:
    """Mark a new key as being worked on; False where another process was first."""
    mark = {"fingerprint": request.fingerprint, "status": _PENDING, "media_type": "", "body": request.holder}
    try:
        with session.begin_nested():
            session.execute(insert(ReplayRow).values(key=key, created_at=request.renewed_at, **mark))
    except IntegrityError:
        if find(session, key) is None:
            raise
        return False
    return True


def take_over(session: Session, key: str, dead: PendingRequest, request: PendingRequest) -> bool:
    """Replace the holder of a mark; False where another process was first."""
    return _change(session, key, dead.holder, body=request.holder, created_at=request.renewed_at)


def renew(session: Session, key: str, holder: str, now: datetime) -> bool:
    """Show a sign of life; False where the mark is this holder's no more."""
    return _change(session, key, holder, created_at=now)


def finish(session: Session, key: str, holder: str, answer: StoredAnswer, now: datetime) -> bool:
    """Keep the answer; False where the mark is this holder's no more."""
    values = {"status": answer.status, "media_type": answer.media_type, "body": answer.body}
    return _change(session, key, holder, created_at=now, **values)


def abandon(session: Session, key: str, holder: str) -> None:
    """Take the mark away, so that the key is as new."""
    mine = (ReplayRow.key == key, ReplayRow.status == _PENDING, ReplayRow.body == holder)
    session.execute(delete(ReplayRow).where(*mine))


def forget(session: Session, before: datetime) -> None:
    """Drop the answers that were kept before an instant."""
    session.execute(delete(ReplayRow).where(ReplayRow.created_at < before))


def has_older(session: Session, before: datetime) -> bool:
    return session.scalar(select(ReplayRow.key).where(ReplayRow.created_at < before).limit(1)) is not None


def _change(session: Session, key: str, holder: str, **values: object) -> bool:
    mine = (ReplayRow.key == key, ReplayRow.status == _PENDING, ReplayRow.body == holder)
    result = session.execute(update(ReplayRow).where(*mine).values(**values))
    assert isinstance(result, CursorResult)
    return result.rowcount == 1
