"""A query parameter that an operation does not have is refused: a misspelt filter would answer another question without a word."""

from collections.abc import Iterator
from typing import Any

from fastapi import Request

from models.architectures.architecture import Fault
from service.errors import InvalidRequest

_SHOWN = 60
_MOST_FAULTS = 20


def check_query_parameters(request: Request) -> None:
    """Raise `InvalidRequest` for parameters that the operation of this request does not read."""
    known = sorted(set(_names_of(request.scope["route"].dependant)))
    unknown = [name for name in dict.fromkeys(request.query_params) if name not in known]
    if unknown:
        expected = f"expected {', '.join(known)}" if known else "this operation has none"
        raise InvalidRequest([_fault(name[:_SHOWN], expected) for name in unknown[:_MOST_FAULTS]])


def _names_of(dependant: Any) -> Iterator[str]:
    yield from (field.alias for field in dependant.query_params)
    for each in dependant.dependencies:
        yield from _names_of(each)


def _fault(name: str, expected: str) -> Fault:
    pointer = "/" + name.replace("~", "~0").replace("/", "~1")
    return Fault(pointer, f"unknown query parameter '{name}', {expected}; remove it or check its spelling")
