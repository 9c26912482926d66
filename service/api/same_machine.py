"""Where no key is needed, answers are for programs of this machine alone: a web page that somebody has open is none of them.

Browsers send what a page asks for to any address, this machine's own too. They name the host and the page's origin, which tells.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.problems import service_problem
from service.errors import ForeignCaller
from service.settings import is_loopback

_SAFE = ("GET", "HEAD", "OPTIONS")


class SameMachine:
    """Answers 403 to requests for another host name, as after DNS rebinding, and to changes that a foreign page asks for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            fault = foreign(scope["method"], Headers(scope=scope))
            if fault is not None:
                remedy = "without keys only this machine is answered; set SVGE_AUTH=on and make a key with svge keys create"
                await service_problem(ForeignCaller(f"{fault}; {remedy}"), scope["path"])(scope, receive, send)
                return
        await self._app(scope, receive, send)


def foreign(method: str, headers: Headers) -> str | None:
    """What tells that a request comes from elsewhere, None where nothing does."""
    host, origin = headers.get("Host"), headers.get("Origin")
    if host is not None and not _is_here(f"//{host}"):
        return f"expected this machine's own address as the Host, got {host[:100]!r}"
    if method not in _SAFE and origin is not None and not _is_here(origin):
        return f"expected an Origin on this machine, got {origin[:100]!r}"
    return None


def _is_here(url: str) -> bool:
    try:
        return is_loopback(urlsplit(url).hostname or "")
    except ValueError:
        return False
