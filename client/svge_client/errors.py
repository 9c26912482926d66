"""Everything that the client raises, drawn as a tree.

SvgeError
├── Unreachable           no answer: refused, reset or timed out
├── NothingToDo           the study has no trial to hand out at present, with the server's reason
├── TrialStopped          a running trial is to be ended early; its `with` block reports that and lets the program go on
│   └── TrialDiverged     its value is not finite: reported as a failure
├── MissingExtra          an optional package is not installed; says which extra brings it
└── ResponseError         the server answered with a problem
    ├── Invalid           400, 413, 415, 422: the request is at fault; `problem.errors` names the fields
    ├── Denied            401, 403
    ├── NotFound          404
    ├── Conflict          409
    │   └── LeaseLost     409 with the code `lease_lost`: somebody else has the trial now
    ├── RateLimited       429
    └── ServerFault       5xx
        └── Unavailable   502, 503, 504
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One faulty field: its JSON pointer, and what was expected of it."""

    pointer: str
    message: str


@dataclass(frozen=True, slots=True)
class Problem:
    """The problem document of an answer (RFC 9457). `code` is stable, `title` and `detail` are for people."""

    status: int
    code: str
    title: str
    detail: str
    errors: tuple[FieldFault, ...] = ()


class SvgeError(Exception):
    """The root of all errors of this package."""


class Unreachable(SvgeError):
    """The server gave no answer; the cause is the transport's error."""


class NothingToDo(SvgeError):
    """The study hands out no trial at present; `reason` is the server's."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TrialStopped(SvgeError):
    """The server advises to end the running trial, for this `reason`. Raised by a trainer of its own accord it does the same."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TrialDiverged(TrialStopped):
    """The training gave a value that is not finite."""


class MissingExtra(SvgeError, ImportError):
    """Something needs a package that only an extra of this distribution brings."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an optional package; install it with: pip install 'svge-client[{extra}]'")


class ResponseError(SvgeError):
    """The server refused or failed; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        faults = "".join(f"\n  {fault.pointer}: {fault.message}" for fault in problem.errors)
        super().__init__(f"{problem.status} {problem.code}: {problem.detail or problem.title}{faults}")
        self.problem = problem


class Invalid(ResponseError):
    """The request is malformed or breaks a rule."""


class Denied(ResponseError):
    """The credentials are missing or do not suffice."""


class NotFound(ResponseError):
    """What the request names does not exist."""


class Conflict(ResponseError):
    """The request contradicts the present state."""


class LeaseLost(Conflict):
    """The trial's lease ran out and the trial went to somebody else."""


class RateLimited(ResponseError):
    """Too many requests in a short time."""


class ServerFault(ResponseError):
    """The server failed."""


class Unavailable(ServerFault):
    """The server, or its model worker, is not available at this moment."""


TEMPORARY = (Unreachable, RateLimited, ServerFault)
"""What may be over when the same is asked a while later."""

_BY_STATUS: dict[int, type[ResponseError]] = {
    400: Invalid,
    401: Denied,
    403: Denied,
    404: NotFound,
    409: Conflict,
    413: Invalid,
    415: Invalid,
    422: Invalid,
    429: RateLimited,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}


def error_of(response: httpx.Response) -> ResponseError:
    """The exception for an answer whose status is an error."""
    problem = _problem_of(response)
    if problem.code == "lease_lost":
        return LeaseLost(problem)
    fallback = ServerFault if response.status_code >= 500 else ResponseError
    return _BY_STATUS.get(response.status_code, fallback)(problem)


def _problem_of(response: httpx.Response) -> Problem:
    """The problem document, or one made of the status line where a proxy answered with something else."""
    try:
        document = response.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        document = {"detail": response.text[:500]}
    return Problem(
        status=response.status_code,
        code=str(document.get("code", f"http_{response.status_code}")),
        title=str(document.get("title", response.reason_phrase)),
        detail=str(document.get("detail", "")),
        errors=tuple(_fault(fault) for fault in document.get("errors") or () if isinstance(fault, dict)),
    )


def _fault(fault: Mapping[str, Any]) -> FieldFault:
    return FieldFault(str(fault.get("pointer", "")), str(fault.get("message", fault.get("detail", ""))))
