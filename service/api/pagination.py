"""Opaque cursors for listings that are paged by key."""

import base64
import binascii
from typing import Annotated

from fastapi import Query

from models.architectures.architecture import Fault
from service.errors import InvalidRequest

Limit = Annotated[int, Query(ge=1, description="Most entries of the page.", examples=[50])]
Cursor = Annotated[str | None, Query(max_length=100, description="The `next_cursor` of the page before.", examples=["YWZ0ZXI6NTA"])]

_PREFIX = "after:"


def write_cursor(key: int) -> str:
    """The cursor of the page that follows the entry with this key."""
    return base64.urlsafe_b64encode(f"{_PREFIX}{key}".encode()).decode().rstrip("=")


def read_cursor(cursor: str | None) -> int:
    """The key that a cursor names; 0, which comes before every key, without one. Raises `InvalidRequest`."""
    if cursor is None:
        return 0
    try:
        text = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, UnicodeError):
        text = ""
    digits = text.removeprefix(_PREFIX)
    if not text.startswith(_PREFIX) or not digits.isdecimal() or len(digits) > 18:
        raise InvalidRequest([Fault("/cursor", "expected a next_cursor of an earlier page; leave it out for the first page")])
    return int(digits)
