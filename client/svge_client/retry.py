"""When a request is sent again, and after which pause.

A request that never reached the server may always be sent again. One whose answer was lost, or that failed half way, only where the
caller says that doing it twice does no harm.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from svge_client.address import without_credentials
from svge_client.errors import ResponseError, SvgeError, Unreachable, error_of

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_NOT_DONE = (429, 503)
_UNKNOWN = (502, 504)


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how long. The n-th pause, in seconds, is drawn between half of `first_pause * 2**n` and all of it, where
    `longest_pause` limits it; a `Retry-After` of the server replaces it, within the same limit.
    """

    attempts: int = 8
    first_pause: float = 0.5
    longest_pause: float = 30.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(f"expected at least one attempt, got {self.attempts}")

    def pause(self, attempt: int, retry_after: str | None, rng: random.Random) -> float:
        if retry_after is not None and retry_after.strip().isdigit():
            return min(float(retry_after), self.longest_pause)
        return min(self.first_pause * 2.0**attempt, self.longest_pause) * rng.uniform(0.5, 1.0)


ONCE = Retry(attempts=1)


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `is_repeat_safe` says that doing it twice does no harm; `content` is a body that is no JSON."""

    method: str
    path: str
    params: Mapping[str, Any] | None = None
    json: Any = None
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    is_repeat_safe: bool = True

    def arguments(self) -> dict[str, Any]:
        """What httpx takes."""
        return {"params": self.params, "json": self.json, "content": self.content, "headers": self.headers}

    def refusal(self, response: httpx.Response) -> tuple[ResponseError, bool] | None:
        """The error of an answer, and whether to ask again; None for a success."""
        if response.is_success:
            return None
        status = response.status_code
        return error_of(response), status in _NOT_DONE or (self.is_repeat_safe and status in _UNKNOWN)

    def silence(self, error: httpx.RequestError, server: object) -> tuple[SvgeError, bool]:
        """The same where no answer came."""
        asked = f"{without_credentials(server)} to {self.method} {self.path}"
        unreachable = Unreachable(f"no answer from {asked}: {error!r}; is the server running?")
        return unreachable, self.is_repeat_safe or isinstance(error, _NEVER_SENT)


def parsed(response: httpx.Response) -> Any:
    """The JSON of a success. Raises `Unreachable` for anything else, which a proxy answers in the server's place."""
    try:
        return response.json() if response.content else None
    except ValueError as error:
        asked = f"{response.request.method} {response.request.url.path}"
        raise Unreachable(f"what answered {asked} is not the service, since it is no JSON: {response.text[:100]!r}") from error
