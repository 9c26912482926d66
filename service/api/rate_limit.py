"""How many requests one caller may send: whoever asks faster than the settings allow is told when to come back."""

import math
import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.problems import service_problem
from service.errors import TooManyRequests

_EXEMPT = ("/healthz", "/readyz", "/metrics")


class RateLimit:
    """Answers 429 with `Retry-After` above so many requests a minute from one address. Each process counts for itself.

    Probes and metrics are not counted: what watches the service shall see it under load too.
    """

    def __init__(self, app: ASGIApp, requests_per_minute: int) -> None:
        self._app = app
        self._limit = RateLimitItemPerMinute(requests_per_minute)
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in _EXEMPT:
            address, _ = scope["client"] or ("", 0)
            if not self._limiter.hit(self._limit, address):
                await self._refuse(address, scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _refuse(self, address: str, scope: Scope, receive: Receive, send: Send) -> None:
        seconds = max(1, math.ceil(self._limiter.get_window_stats(self._limit, address).reset_time - time.time()))
        message = f"more than {self._limit.amount} requests a minute came from {address or 'this caller'}; wait {seconds} s"
        error = TooManyRequests(f"{message}, or raise SVGE_REQUESTS_PER_MINUTE")
        response = service_problem(error, scope["path"])
        response.headers["Retry-After"] = str(seconds)
        await response(scope, receive, send)
