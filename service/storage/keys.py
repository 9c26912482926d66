"""The queries about keys to the API. Each runs in the caller's transaction."""

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from service.storage.tables import KeyRow
from service.storage.values import Key, KeyScope


def add(session: Session, key: Key, token_hash: str) -> bool:
    """Store a new key; False when its name is taken."""
    try:
        with session.begin_nested():
            values = {"name": key.name, "scope": key.scope, "created_at": key.created_at}
            session.execute(insert(KeyRow).values(**values, token_hash=token_hash))
    except IntegrityError:
        return False
    return True


def remove(session: Session, name: str) -> bool:
    """Delete a key; False when there is none of this name."""
    found = session.scalar(select(KeyRow.name).where(KeyRow.name == name)) is not None
    session.execute(delete(KeyRow).where(KeyRow.name == name))
    return found


def listed(session: Session) -> list[Key]:
    """All keys by name."""
    rows = session.execute(select(KeyRow.name, KeyRow.scope, KeyRow.created_at).order_by(KeyRow.name))
    return [Key(name, KeyScope(scope), created_at) for name, scope, created_at in rows]


def scope_of(session: Session, token_hash: str) -> KeyScope | None:
    """What the key with this hash of its token may do; None for a token of no key."""
    scope = session.scalar(select(KeyRow.scope).where(KeyRow.token_hash == token_hash))
    return None if scope is None else KeyScope(scope)
