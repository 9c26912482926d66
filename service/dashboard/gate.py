"""What stands between a browser and the dashboard: the key, requests that other sites make, and what its pages may load."""

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qs, quote, urlsplit

import anyio
import anyio.to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.authorisation import COOKIE, cookie_token
from service.api.problems import service_problem
from service.dashboard.paths import ROOT, SIGN_IN, SIGN_OUT
from service.dashboard.sign_in import sign_in_page
from service.dashboard.visit import Visit, current
from service.errors import AccessRefused, ForeignCaller, ServiceError
from service.storage.values import KeyScope

_OPEN = f"{ROOT}/assets/"
_SAFE = ("GET", "HEAD", "OPTIONS")
_POLICY: Mapping[str, str] = {
    "default-src": "'none'",
    "style-src": "'self' 'unsafe-inline'",  # Plotly and AG Grid set styles on what they draw
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}


class Gate:
    """Lets a visit through to the application that `build` makes at the first one. With `needs_key` it asks for a key first.

    The key travels in a cookie that no script sees and that no other site's page can send. `build` answers the application and the
    hashes of the scripts that stand in its page.
    """

    def __init__(self, build: Callable[[], tuple[ASGIApp, Sequence[str]]], needs_key: bool) -> None:
        self._build = build
        self._needs_key = needs_key
        self._built: tuple[ASGIApp, Sequence[str]] | None = None
        self._making = anyio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # a websocket: Dash offers one, no page of this dashboard uses it
            await send({"type": "websocket.close", "code": 1008})
            return
        app, hashes = await self._application()
        answer = await self._refusal(scope, receive) or app
        token = current.set(self._visit(scope))
        try:
            await answer({**scope, "root_path": ""}, receive, _protected(send, hashes, _is_dated(scope)))
        finally:
            current.reset(token)

    async def _application(self) -> tuple[ASGIApp, Sequence[str]]:
        """Made in a thread, so that the first visit does not keep other requests waiting."""
        async with self._making:
            if self._built is None:
                self._built = await anyio.to_thread.run_sync(self._build)
        return self._built

    async def _refusal(self, scope: Scope, receive: Receive) -> Response | None:
        """What is answered in place of the dashboard, None where nothing speaks against it."""
        headers, path = Headers(scope=scope), scope["path"]
        if scope["method"] not in _SAFE and is_foreign(headers):
            return service_problem(
                ForeignCaller("expected a request of the dashboard's own pages; open the dashboard itself"), path
            )
        if path == SIGN_OUT:
            if scope["method"] != "POST":
                return Response(status_code=405, headers={"Allow": "POST"})
            gone = RedirectResponse(SIGN_IN, status_code=303)
            gone.delete_cookie(COOKIE, path="/")
            return gone
        if not self._needs_key:
            return RedirectResponse(f"{ROOT}/", status_code=303) if path == SIGN_IN else None
        if path.startswith(_OPEN):
            return None
        if path == SIGN_IN:
            return await self._sign_in(Request(scope, receive))
        try:
            await self._visit(scope).require(KeyScope.READ)
        except AccessRefused as error:
            if scope["method"] in _SAFE and "text/html" in headers.get("Accept", ""):
                asked = path + ("?" + scope["query_string"].decode("latin-1") if scope["query_string"] else "")
                return RedirectResponse(f"{SIGN_IN}?next={quote(asked)}", status_code=303)
            return service_problem(error, path)
        except ServiceError as error:
            return service_problem(error, path)
        return None

    async def _sign_in(self, request: Request) -> Response:
        """The page that asks for a key; where one is sent that opens the dashboard, the way in."""
        target = safe_target(request.query_params.get("next", ""))
        if request.method != "POST":
            return HTMLResponse(sign_in_page(target, None))
        sent = parse_qs((await request.body()).decode(errors="replace"))
        token = sent.get("key", [""])[0].strip()
        try:
            await Visit(request.app.state.context, request.app.state.doorkeeper, token or None).require(KeyScope.READ)
        except ServiceError as error:
            return HTMLResponse(sign_in_page(target, error.message), status_code=401 if isinstance(error, AccessRefused) else 503)
        entry = RedirectResponse(target, status_code=303)
        entry.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=request.url.scheme == "https", path="/")
        return entry

    def _visit(self, scope: Scope) -> Visit:
        state = scope["app"].state
        if not self._needs_key:
            return Visit(state.context)
        return Visit(state.context, state.doorkeeper, cookie_token(Headers(scope=scope)))


def is_foreign(headers: Headers) -> bool:
    """Whether a page of another site asks for a change: the browser says so, older ones by naming the page's origin."""
    site, origin = headers.get("Sec-Fetch-Site"), headers.get("Origin")
    if site is not None:
        return site not in ("same-origin", "none")
    return origin is not None and urlsplit(origin).netloc != headers.get("Host")


def safe_target(path: str) -> str:
    """Where to go after signing in: a page of the dashboard, never another site."""
    return path if path.startswith(f"{ROOT}/") and "//" not in path and "\\" not in path else f"{ROOT}/"


def _is_dated(scope: Scope) -> bool:
    """Whether an asset is asked for by the time of its last change, so that what is answered stays the answer."""
    return bool(scope["path"].startswith(_OPEN) and scope["query_string"].startswith(b"m="))


def _protected(send: Send, hashes: Sequence[str], is_lasting: bool) -> Send:
    policy = {**_POLICY, "script-src": " ".join(["'self'", *hashes])}
    text = "; ".join(f"{name} {sources}" for name, sources in policy.items())

    async def send_protected(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Content-Security-Policy"] = text
            if is_lasting and message["status"] == 200:
                headers["Cache-Control"] = "public, max-age=31536000, immutable"
        await send(message)

    return send_protected
