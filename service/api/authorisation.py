"""Who may do what: the scope that each request needs, and the check of its bearer token before anything else looks at it."""

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.problems import service_problem
from service.errors import ServiceError
from service.storage.values import KeyScope
from service.studies.keys import Doorkeeper

_OPEN = ("/", "/dashboard", "/docs", "/redoc", "/openapi.json", "/healthz", "/readyz", "/version")
_OPEN_FOLDERS = ("/docs-assets/", "/dashboard/")
"""The dashboard asks for the key itself, as browsers cannot send it in a header of their own accord."""
_OBSERVE = ("/suggest", "/observe", "/heartbeat")
_READ = ("/encode", "/decode", "/predict")
_SAFE = ("GET", "HEAD", "OPTIONS")
_SCHEME = "bearer "
COOKIE = "svge_key"
"""The cookie in which the dashboard keeps the key of who has signed in there."""


def needed_scope(method: str, path: str) -> KeyScope | None:
    """The scope that a request needs, None for what is open to all: probes and documentation. What is not named needs the most."""
    if path in _OPEN or path.startswith(_OPEN_FOLDERS):
        return None
    if method in _SAFE or path in _READ:
        return KeyScope.READ
    return KeyScope.OBSERVE if path in _OBSERVE else KeyScope.ADMIN


class Authorisation:
    """Answers 401 without a key and 403 where the key's scope does not suffice."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        needed = needed_scope(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if needed is not None:
            doorkeeper: Doorkeeper = scope["app"].state.doorkeeper
            try:
                await doorkeeper.check(_token(scope["method"], Headers(scope=scope)), needed)
            except ServiceError as error:
                await service_problem(error, scope["path"])(scope, receive, send)
                return
        await self._app(scope, receive, send)


def cookie_token(headers: Headers) -> str | None:
    """The key in the cookie of a request, None where there is none."""
    return cookie_parser(headers.get("Cookie", "")).get(COOKIE) or None


def _token(method: str, headers: Headers) -> str | None:
    """The key in the header; a cookie is enough to look, so that links of the dashboard work, and never to change anything."""
    given = headers.get("Authorization", "")
    if given.lower().startswith(_SCHEME):
        return given[len(_SCHEME) :].strip() or None
    return cookie_token(headers) if method in _SAFE else None
