"""Opaque cursors for listings that are paged by key."""

import base64
import binascii
from typing import Annotated, Literal

from fastapi import Query

from models.architectures.architecture import Fault
from service.errors import InvalidRequest

Kind = Literal["after", "since"]
Limit = Annotated[int, Query(ge=1, description="Most entries of the page.", examples=[50])]
Cursor = Annotated[str | None, Query(max_length=100, description="The `next_cursor` of the page before.", examples=["YWZ0ZXI6NTA"])]
Since = Annotated[str | None, Query(max_length=100, description="The `next_since` of an earlier page.", examples=["c2luY2U6MTI"])]


def write_cursor(key: int, kind: Kind = "after") -> str:
    """The cursor of the page that follows the entry with this key, or `since` the change of this number."""
    return base64.urlsafe_b64encode(f"{kind}:{key}".encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, kind: Kind = "after") -> int:
    """The key that a cursor names; 0, which comes before every key, without one. Raises `InvalidRequest`."""
    if cursor is None:
        return 0
    try:
        text = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, UnicodeError):
        text = ""
    prefix = f"{kind}:"
    digits = text.removeprefix(prefix)
    if not text.startswith(prefix) or not digits.isdecimal() or len(digits) > 18:
        name, field = ("/cursor", "next_cursor") if kind == "after" else ("/since", "next_since")
        raise InvalidRequest([Fault(name, f"expected a {field} of an earlier page; leave it out for the first page")])
    return int(digits)
