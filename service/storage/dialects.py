"""What SQLite and PostgreSQL both have and SQLAlchemy offers for each of them alone."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

Insert = postgresql.Insert | sqlite.Insert

_INSERTS: Mapping[str, Callable[..., Insert]] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


def insert_of(session: Session, table: Any) -> Insert:
    """An insert that can say what happens to rows which are there already."""
    return _INSERTS[session.get_bind().dialect.name](table)
