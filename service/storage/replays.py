"""The queries about answers that are kept for requests that come again. Each runs in the caller's transaction."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from service.storage.tables import ReplayRow


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The answer to the first request with a key; `fingerprint` tells whether another request is the same."""

    fingerprint: str
    status: int
    media_type: str
    body: str


def find(session: Session, key: str) -> StoredAnswer | None:
    row = session.execute(select(*ReplayRow.__table__.c).where(ReplayRow.key == key)).one_or_none()
    return None if row is None else StoredAnswer(row.fingerprint, row.status, row.media_type, row.body)


def add(session: Session, key: str, answer: StoredAnswer, now: datetime) -> None:
    """Keep an answer; where another process has kept one for this key, that one stays."""
    values = {"fingerprint": answer.fingerprint, "status": answer.status, "media_type": answer.media_type, "body": answer.body}
    try:
        with session.begin_nested():
            session.execute(insert(ReplayRow).values(key=key, created_at=now, **values))
    except IntegrityError:
        if find(session, key) is None:
            raise


def forget(session: Session, before: datetime) -> None:
    """Drop the answers that were kept before an instant."""
    session.execute(delete(ReplayRow).where(ReplayRow.created_at < before))


def has_older(session: Session, before: datetime) -> bool:
    return session.scalar(select(ReplayRow.key).where(ReplayRow.created_at < before).limit(1)) is not None
