"""Requests, and when they are sent again.

A request that never reached the server may always be sent again. One whose answer was lost, or that failed half way, only where the
caller says that doing it twice does no harm.
"""

import random
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from svge_client.errors import Unreachable, error_of

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

    def pause(self, attempt: int, retry_after: str | None, rng: random.Random) -> float:
        if retry_after is not None and retry_after.strip().isdigit():
            return min(float(retry_after), self.longest_pause)
        return min(self.first_pause * 2.0**attempt, self.longest_pause) * rng.uniform(0.5, 1.0)


ONCE = Retry(attempts=1)


@dataclass(frozen=True, slots=True)
class Transport:
    """Sends requests and gives the answers, parsed where they are JSON, else as bytes. Safe to share between threads."""

    http: httpx.Client
    retry: Retry
    rng: random.Random
    sleep: Callable[[float], None] = time.sleep

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        return _parsed(self._send("GET", path, params=params, repeat_safe=True, retry=self.retry))

    def post(self, path: str, body: Mapping[str, Any], *, repeat_safe: bool, retry: Retry | None = None) -> Any:
        """Raises `ResponseError` for an error answer and `Unreachable` for none, both after the last attempt."""
        return _parsed(self._send("POST", path, json=body, repeat_safe=repeat_safe, retry=retry or self.retry))

    def post_once(self, path: str, body: Mapping[str, Any]) -> Any:
        """Post what must not be done twice, under a key by which the server knows it again. Raises as `post` does."""
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        return _parsed(self._send("POST", path, json=body, headers=headers, repeat_safe=True, retry=self.retry))

    def upload(self, path: str, content: bytes, params: Mapping[str, Any]) -> Any:
        """Post a file that may come twice without harm. Raises as `post` does."""
        return _parsed(self._send("POST", path, params=params, content=content, repeat_safe=True, retry=self.retry))

    def download(self, path: str, params: Mapping[str, Any]) -> bytes:
        """An answer that is no JSON. Raises as `post` does."""
        return self._send("GET", path, params=params, repeat_safe=True, retry=self.retry).content

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        """Raises as `post` does."""
        return _parsed(self._send("PATCH", path, json=body, repeat_safe=True, retry=self.retry))

    def delete(self, path: str) -> None:
        """Raises as `post` does. Not repeated where the answer was lost: the second time there would be nothing."""
        self._send("DELETE", path, repeat_safe=False, retry=self.retry)

    def _send(self, method: str, path: str, *, repeat_safe: bool, retry: Retry, **request: Any) -> httpx.Response:
        for attempt in range(retry.attempts):
            last = attempt == retry.attempts - 1
            retry_after = None
            try:
                response = self.http.request(method, path, **request)
            except httpx.TransportError as error:
                if last or not (repeat_safe or isinstance(error, _NEVER_SENT)):
                    raise Unreachable(
                        f"no answer from {self.http.base_url} to {method} {path}: {error!r}; is the server running?"
                    ) from error
            else:
                if response.is_success:
                    return response
                again = response.status_code in _NOT_DONE or (repeat_safe and response.status_code in _UNKNOWN)
                if last or not again:
                    raise error_of(response)
                retry_after = response.headers.get("Retry-After")
            self.sleep(retry.pause(attempt, retry_after, self.rng))
        raise ValueError(f"expected at least one attempt, got {retry.attempts}")


def _parsed(response: httpx.Response) -> Any:
    return response.json() if response.content else None
