"""More bad bodies than anybody writes by hand: good ones with one thing made wrong, at every place where something can be.

`test_mutations.py` sends them. Bodies with a word of the remedy each are `bad_bodies.py`.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.service.api.bad_bodies import CELL

Path = tuple[str | int, ...]

REPORT = {"attempt": 1, "value": 0.5, "std": 0.1, "status": "completed", "reason": "none", "metrics": {"loss": 0.5}}
FOREIGN = {"study": "cells", "architecture": CELL, "value": 0.5, "std": 0.1, "metrics": {"loss": 0.5}}
STUDY = {
    "name": "new",
    "space": "nasbench201",
    "objective": "maximize",
    "limits": {"parameters": 2_000_000, "multiply_adds": 10},
    "seed": 1,
    "strategy": "svge",
    "initial_size": 5,
    "max_trials": 10,
    "lease_seconds": 60,
    "max_attempts": 2,
    "model": "lines",
}
TRADE_OFF = {"name": "new", "space": "nasbench201", "objectives": {"accuracy": "maximize", "parameters": "minimize"}}


def good_bodies(trial: str) -> list[tuple[str, Any]]:
    """Paths and bodies; `trial` is the id of a running trial."""
    report = {"trial": trial, **REPORT}
    return [
        ("/studies", STUDY),
        ("/studies", TRADE_OFF),
        ("/suggest", {"study": "demo", "worker": "w", "count": 1, "wait": 0.5, "max_nodes": 8, "strategy": "random"}),
        ("/observe", report),
        ("/observe", FOREIGN),
        ("/observe", [report, FOREIGN]),
        ("/heartbeat", {"worker": "w", "trials": [trial]}),
        ("/encode", {"space": "nasbench101", "architectures": [CELL]}),
        ("/decode", {"study": "demo", "latents": [[0.0, 0.5, 1.0, 1.5]], "samples": 1, "mode": "sampled", "seed": 0}),
        ("/studies/cells/enqueue", {"architectures": [CELL]}),
    ]


INJECTIONS = (
    "'; DROP TABLE svge_trials; --",
    "1) UNION SELECT token_hash FROM svge_keys --",
    "demo' OR '1'='1",
    "${jndi:ldap://x}",
    "../../etc/passwd",
)

_HUGE = 10**400
_WRONG_NUMBERS: tuple[Any, ...] = (
    "x",
    True,
    [],
    {},
    [0.5],
    float("nan"),
    float("inf"),
    float("-inf"),
    _HUGE,
    -_HUGE,
    INJECTIONS[0],
)
_WRONG_TEXTS: tuple[Any, ...] = (7, True, [], {}, float("nan"), "a\x00b", "\ud800", "x" * 20_000)
_WRONG_CONTAINERS: tuple[Any, ...] = ("x", 7, True, float("inf"))
_FREE_TEXTS = ("worker", "reason", "trials")
"""Where any text is right."""


@dataclass(frozen=True, slots=True)
class BadBody:
    """`place` is where something was made wrong."""

    path: str
    body: str
    place: Path


def wrong_values(trial: str) -> Iterator[BadBody]:
    """Good bodies with one value in the place of which stands another, one member that is missing, or one too many."""
    for path, body in good_bodies(trial):
        for place, value in _places(body):
            for wrong in _wrong(place, value):
                yield BadBody(path, json.dumps(_with(body, place, wrong)), place)
            if isinstance(value, dict) and "metrics" not in place:  # where members may have any name
                yield BadBody(path, json.dumps(_with(body, (*place, "unheard-of"), 1)), (*place, "unheard-of"))
        for name in ("name", "space", "worker", "trials", "architectures", "latents", "attempt"):
            if isinstance(body, dict) and name in body:
                yield BadBody(path, json.dumps({key: value for key, value in body.items() if key != name}), (name,))


def broken_texts(trial: str) -> Iterator[tuple[str, bytes]]:
    """Good bodies that were cut off, or hold a byte that neither JSON nor UTF-8 has there, or go on after their end."""
    for path, body in good_bodies(trial):
        text = json.dumps(body).encode()
        for place in range(1, len(text), max(1, len(text) // 8)):
            yield path, text[:place]
            yield path, text[:place] + b"\xff" + text[place:]
            yield path, text[:place] + b"\x01" + text[place:]
        for end in (b"}", b"]", b"x", text):
            yield path, text + end
        for opening in (b"[", b'{"a":', b'[{"a":'):
            yield path, opening * 50_000


def noise(count: int) -> Iterator[tuple[str, bytes]]:
    """Bodies that ask for what does not exist, with some bytes changed: whatever they say now, nothing can come of it."""
    rng = random.Random(0)
    bodies = [
        (path, json.dumps(_renamed(body)).encode()) for path, body in good_bodies("unheard-of") if path != "/heartbeat"
    ]  # a heartbeat for a trial that there is not is answered, as lost
    for _ in range(count):
        path, text = rng.choice(bodies)
        changed = bytearray(text)
        for _ in range(rng.randint(1, 8)):
            place = rng.randrange(len(changed))
            changed[place : place + rng.randint(0, 3)] = rng.choice(
                (rng.randbytes(1), b"0", b'"', b"]", b"{", b"null", b"-", b"1e400")
            )
        yield path.replace("cells", "unheard-of"), bytes(changed)


def pointer(place: Path) -> str:
    return "".join(f"/{part}" for part in place)


def _places(body: Any, place: Path = ()) -> Iterator[tuple[Path, Any]]:
    yield place, body
    items = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, value in items:
        yield from _places(value, (*place, key))


def _wrong(place: Path, value: Any) -> tuple[Any, ...]:
    if isinstance(value, int | float):
        return _WRONG_NUMBERS
    if isinstance(value, str):
        return _WRONG_TEXTS if set(place) & set(_FREE_TEXTS) else (*_WRONG_TEXTS, *INJECTIONS)
    return _WRONG_CONTAINERS


def _with(body: Any, place: Path, value: Any) -> Any:
    """The body with another value at a place."""
    if not place:
        return value
    key, rest = place[0], place[1:]
    if isinstance(body, list):
        return [_with(item, rest, value) if index == key else item for index, item in enumerate(body)]
    return {**body, key: _with(body.get(key), rest, value)}


def _renamed(body: Any) -> Any:
    """The body with studies, spaces and models that there are not."""
    if isinstance(body, list):
        return [_renamed(item) for item in body]
    if not isinstance(body, dict):
        return body
    return {key: "unheard-of" if key in ("study", "space", "model") else _renamed(value) for key, value in body.items()}
