"""Keys to the API: making and revoking them, and what the bearer of a token may do."""

import hashlib
import secrets
from time import monotonic

from sqlalchemy.orm import Session

from service.errors import Denied, Unauthenticated
from service.storage import keys
from service.storage.session import Database
from service.storage.values import Key, KeyScope

_PREFIX = "svge_"
_LONGEST_NAME = 100
_MEMORY_SECONDS = 5.0
_MEMORY_SIZE = 1000


def create_key(database: Database, name: str, scope: KeyScope) -> str:
    """The token of a new key, which is told this once. Raises `ValueError` for a name that is taken or cannot be one."""
    if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable():
        raise ValueError(f"expected 1 to {_LONGEST_NAME} printable characters for the name of a key, got {name!r}")
    token = _PREFIX + secrets.token_urlsafe(32)

    def work(session: Session) -> bool:
        return keys.add(session, Key(name, scope, database.now(session)), _hash(token))

    if not database.write_here(work):
        raise ValueError(f"a key '{name}' exists already; choose another name, or revoke that one first")
    return token


def revoke_key(database: Database, name: str) -> None:
    """Let a token open nothing any more, within seconds. Raises `ValueError` for a name that no key has."""
    if not database.write_here(lambda session: keys.remove(session, name)):
        raise ValueError(f"there is no key '{name}'; svge keys list shows those there are")


def list_keys(database: Database) -> list[Key]:
    return database.read_here(keys.listed)


class Doorkeeper:
    """Tells what tokens may do; what it looked up it remembers for some seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, tuple[float, KeyScope | None]] = {}

    async def check(self, token: str | None, needed: KeyScope) -> None:
        """Raises `Unauthenticated` without a token of a key, and `Denied` where the key does not suffice."""
        if token is None:
            raise Unauthenticated("expected a key; send the header 'Authorization: Bearer TOKEN', svge keys create makes one")
        scope = await self._scope(_hash(token))
        if scope is None:
            raise Unauthenticated("the token belongs to no key; make one with svge keys create")
        if not scope.includes(needed):
            raise Denied(f"this needs a key with the scope '{needed}', yours has '{scope}'; make one with svge keys create")

    async def _scope(self, token_hash: str) -> KeyScope | None:
        now = monotonic()
        expires_at, scope = self._known.get(token_hash, (0.0, None))
        if expires_at > now:
            return scope
        scope = await self._database.read(lambda session: keys.scope_of(session, token_hash))
        if len(self._known) >= _MEMORY_SIZE:
            self._known.clear()
        self._known[token_hash] = now + _MEMORY_SECONDS, scope
        return scope


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
