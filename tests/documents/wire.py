"""Requests as the documents write them, against the service's own OpenAPI document: paths, parameters, media types and JSON."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from jsonschema import Draft202012Validator

from service.api.schemas.trials import TRIAL_ID
from service.app import create_app
from service.settings import Settings

VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")
OUTSIDE = ("/", "/dashboard/", "/docs", "/redoc", "/openapi.json")
"""What the service answers and its OpenAPI document does not list."""

_START = re.compile(rf"^(?:{'|'.join(VERBS)}) +/", re.MULTILINE)
_REQUEST = re.compile(rf"({'|'.join(VERBS)}) +(/\S*)\s*")
_LEFT_OUT = "…"
_NAMES = {"<id>": TRIAL_ID}


@dataclass(frozen=True, slots=True)
class Example:
    """A request, and the answer where one is shown. JSON is parsed, None where there is none."""

    method: str
    target: str
    body: Any = None
    answer: Any = None
    accept: str | None = None
    content_type: str | None = None


@cache
def openapi() -> Any:
    return create_app(Settings(), worker=None).openapi()  # type: ignore[arg-type]  # nothing is computed


def examples(text: str) -> Iterator[Example]:
    """Those of a block of lines `POST /path {…}`, each with `→ {…}` or an indented `200 {…}` for the answer."""
    starts = [match.start() for match in _START.finditer(text)]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        request = _REQUEST.match(text, start, end)
        assert request is not None
        rest = text[request.end() : end].strip()
        body, answer = None, None
        if rest.startswith("{"):
            body, rest = parsed(rest)
        if rest:
            answer, rest = parsed(re.sub(r"^(→|200)\s*", "", rest))
        assert rest == "", f"what is '{rest}'?"
        yield Example(request[1], request[2], body, answer)


def parsed(text: str) -> tuple[Any, str]:
    """The JSON at the start of a text, with what is left out of it as the text `…`, and the rest."""
    text = re.sub(r",\s*…\s*(?=[\]}])", "", text)
    text = re.sub(r":\s*…", f': "{_LEFT_OUT}"', text)
    for name, value in _NAMES.items():
        text = text.replace(name, value)
    value, end = json.JSONDecoder().raw_decode(text)
    return value, text[end:].strip()


def operation_of(method: str, path: str) -> Mapping[str, Any]:
    """Raises `AssertionError` where the service has none."""
    document = openapi()
    wanted = path.strip("/").split("/")
    found = [
        operations[method.lower()]
        for template, operations in sorted(document["paths"].items(), key=lambda item: item[0].count("{"))
        if method.lower() in operations and _matches(template.strip("/").split("/"), wanted)
    ]
    assert found, f"the service has no {method} {path}"
    return found[0]  # type: ignore[no-any-return]


def _matches(template: list[str], path: list[str]) -> bool:
    return len(template) == len(path) and all(
        part == given or (part.startswith("{") and given != "") for part, given in zip(template, path, strict=True)
    )


def check(example: Example) -> None:
    """Raises `AssertionError`, or `jsonschema`'s error, where the service would not understand it."""
    path, _, query = example.target.partition("?")
    if path in OUTSIDE:
        return
    operation = operation_of(example.method, path)
    known = {parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "query"}
    unknown = {name for name, _ in parse_qsl(query, keep_blank_values=True)} - known
    assert not unknown, f"{example.method} {path} has no parameter {sorted(unknown)}, but {sorted(known)}"
    taken = operation.get("requestBody", {}).get("content", {})
    given = {media_type for response in operation["responses"].values() for media_type in response.get("content", {})}
    assert example.content_type is None or example.content_type in taken, f"{example.content_type} is not of {sorted(taken)}"
    assert example.accept is None or example.accept in given, f"{example.accept} is not of {sorted(given)}"
    if example.body is not None:
        _validate(example.body, taken["application/json"]["schema"], is_whole=True)
    if example.answer is not None:
        success = next(response for code, response in operation["responses"].items() if code.startswith("2"))
        _validate(example.answer, success["content"]["application/json"]["schema"], is_whole=False)


def _validate(value: Any, schema: Any, is_whole: bool) -> None:
    """An answer need not be shown whole, but has no field that the service does not answer."""
    components = {name: _open(part, is_whole) for name, part in openapi()["components"]["schemas"].items()}
    Draft202012Validator({**_open(schema, is_whole), "components": {"schemas": components}}).validate(value)


def _open(schema: Any, is_whole: bool) -> Any:
    """The schema of a value of which some may be left out."""
    if not isinstance(schema, dict):
        return schema
    made: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword == "properties":
            made[keyword] = {name: {"anyOf": [{"const": _LEFT_OUT}, _open(part, is_whole)]} for name, part in value.items()}
            made.setdefault("additionalProperties", False)
        elif keyword in ("anyOf", "oneOf", "allOf"):
            made["anyOf" if keyword == "oneOf" else keyword] = [_open(part, is_whole) for part in value]
        elif keyword in ("items", "additionalProperties"):
            made[keyword] = _open(value, is_whole)
        elif keyword not in ("required", "discriminator") or (keyword == "required" and is_whole):
            made[keyword] = value
    return made
