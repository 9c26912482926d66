"""From pydantic's complaints about a request to faults with JSON pointers and a remedy each."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError

from models.architectures.architecture import Fault

_SHOWN = 60
_MOST_FAULTS = 100
_DIVERGED = ", a training that diverged is observed with status 'failed' and without a value"


def malformed_json(error: RequestValidationError) -> str | None:
    """What is wrong with a body that is not JSON at all; None for one that is."""
    for fault in error.errors():
        if fault["type"] == "json_invalid":
            reason = fault.get("ctx", {}).get("error", "it cannot be parsed")
            return f"the body is not JSON: {reason} at character {fault['loc'][-1]}; send one JSON value in UTF-8"
    return None


def faults_of(error: RequestValidationError) -> list[Fault]:
    """The faults of a request, at most a hundred."""
    return [Fault(_pointer(fault["loc"]), _message(fault)) for fault in error.errors()[:_MOST_FAULTS]]


def _pointer(location: Sequence[str | int]) -> str:
    """The JSON pointer (RFC 6901) of a location; tags of union members, written `@tag`, and the `[key]` behind a wrong name are no
    part of the request.
    """
    parts = [str(part) for part in location[1:] if not str(part).startswith("@") and part != "[key]"]
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


def _message(fault: Mapping[str, Any]) -> str:
    kind, location, received = fault["type"], fault["loc"], fault.get("input")
    if isinstance(received, bytes):
        return "expected a JSON body; send one with the header 'Content-Type: application/json'"
    if kind == "missing" and len(location) == 1:
        return "expected a JSON body, got none; send one with the header 'Content-Type: application/json'"
    if kind == "missing":
        return "this field is required; add it"
    if kind == "extra_forbidden":
        return f"unknown field '{location[-1]}'; remove it or check its spelling"
    if kind == "finite_number":
        remedy = _DIVERGED if set(location[-2:]) & {"value", "values"} else ""
        return f"expected a finite number, got {_short(received)}; NaN and infinities cannot be stored{remedy}"
    if kind == "value_error":
        return str(fault["msg"]).removeprefix("Value error, ")
    text = str(fault["msg"]).removeprefix("Input should be ").removeprefix("Input should have ")
    return f"expected {text[:1].lower()}{text[1:]}, got {_short(received)}; correct this value"


def _short(value: Any) -> str:
    if isinstance(value, dict | list | tuple):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    if isinstance(value, int) and value.bit_length() > 128:
        return "an integer of more than 38 digits"
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
