"""The dashboard as a Dash application: the frame around its pages, and which page an address means. It joins the service in
`install.py`.
"""

import logging
from collections.abc import Sequence
from importlib.metadata import version
from importlib.resources import files
from urllib.parse import parse_qsl, unquote

from dash import ALL, ClientsideFunction, Dash, Input, Output, ctx, dcc, html, set_props
from dash.backends._fastapi import FastAPIDashServer
from dash.development.base_component import Component
from dash.fingerprint import build_fingerprint
from starlette.types import ASGIApp, Receive, Scope, Send

from service.dashboard.pages import compare, latent_map, studies, study, trial
from service.dashboard.paths import ROOT, SIGN_OUT, compare_path, studies_path
from service.dashboard.visit import current
from service.dashboard.widgets import Content, notice, page, problem
from service.errors import NotFound, ServiceError

_log = logging.getLogger(__name__)

_INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
{%metas%}
<meta name="color-scheme" content="light dark">
<title>{%title%}</title>
{%favicon%}
{%css%}
</head>
<body>
{%app_entry%}
{%config%}
{%scripts%}
{%renderer%}
</body>
</html>
"""
_METAS = [
    {"name": "viewport", "content": "width=device-width, initial-scale=1"},
    {"name": "referrer", "content": "same-origin"},  # lets the form that signs out say which site it comes from
]
FAILED = "x-svge-failed"
_AHEAD = (
    {"namespace": "dash", "relative_package_path": "dcc/async-graph.js"},
    {"namespace": "dash_ag_grid", "relative_package_path": "async-community.js"},
)
"""Scripts that Dash would ask for when it has a plot or a table to show, one after the other and anew at each visit."""
_PLOTLY = "package_data/plotly.min.js"


class _WithoutSockets(FastAPIDashServer):  # type: ignore[misc]
    """Callbacks come over HTTP alone, where the gate asks for the key."""

    websocket_capability = False


class _OnePage:
    """Every page of the dashboard is the same document, which asks for its content by its own address."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_part = scope["path"].removeprefix(f"{ROOT}/").startswith(("_", "assets/"))
        await self._app(scope if is_part else {**scope, "path": f"{ROOT}/"}, receive, send)


def build() -> tuple[ASGIApp, Sequence[str]]:
    """The application, which expects to be asked for paths below `/dashboard/`, and the hashes of its page's scripts for a
    content security policy.
    """
    app = Dash(
        __package__,
        backend=_WithoutSockets,
        requests_pathname_prefix=f"{ROOT}/",
        routes_pathname_prefix=f"{ROOT}/",
        index_string=_INDEX,
        meta_tags=[*_METAS, {"name": "plotly", "content": _plotly_address()}],
        title="SVGe Search",
        update_title="",
        suppress_callback_exceptions=True,
        add_log_handler=False,
        on_error=_tell,
    )
    for script in _AHEAD:
        app.scripts.append_script({**script, "attributes": {"defer": "defer"}})
    app.layout = _frame
    shown = (Output("page", "children"), Output("title", "data"), Output("problem", "children"))
    app.callback(*shown, Input("url", "pathname"), Input("url", "search"))(show_page)
    set_title = ClientsideFunction("svge", "setTitle")
    app.clientside_callback(set_title, Output("told", "children"), Input("title", "data"))
    clicks = Input({"type": "trials", "plot": ALL}, "clickData")
    follow = ClientsideFunction("svge", "followClick")
    app.clientside_callback(follow, Output("url", "href"), clicks, prevent_initial_call=True)
    for module in (studies, study, trial, latent_map, compare):
        module.register(app)
    return _OnePage(app.server), app.csp_hashes()


def _plotly_address() -> str:
    """Where Plotly's script stays in the browser's cache: by its version and the time of its file."""
    changed = int(files("plotly").joinpath(_PLOTLY).stat().st_mtime)  # type: ignore[attr-defined]
    return f"{ROOT}/_dash-component-suites/plotly/{build_fingerprint(_PLOTLY, version('plotly'), changed)}"


async def show_page(pathname: str, search: str | None) -> tuple[Content, str, None]:
    """The page at an address, its title, and no problem any more."""
    try:
        title, content = await find_page(pathname, dict(parse_qsl((search or "").removeprefix("?"))))
    except NotFound as error:
        return page("Not found", notice([error.message, " ", dcc.Link("All studies", href=studies_path())])), "Not found", None
    except ServiceError as error:
        return page("This page cannot be shown", problem("", error.message)), "Problem", None
    return content, f"{title} · SVGe Search", None


async def find_page(pathname: str, query: dict[str, str]) -> tuple[str, Content]:
    """The title and the content of the page at an address. Raises `ServiceError`."""
    parts = [unquote(part) for part in pathname.removeprefix(ROOT).strip("/").split("/") if part]
    match parts:
        case []:
            return "Studies", await studies.content()
        case ["studies", name]:
            return name, await study.content(name)
        case ["studies", name, "map"]:
            return f"Latent map of {name}", await latent_map.content(name)
        case ["trials", trial_id]:
            return await trial.content(trial_id)
        case ["compare"]:
            return "Compare", await compare.content(query)
    raise NotFound(f"The dashboard has no page '{pathname}'.")


def _frame() -> Component:
    signed_in = current.get().doorkeeper is not None
    links = [dcc.Link("Studies", href=studies_path()), dcc.Link("Compare", href=compare_path()), html.A("API", href="/docs")]
    header = html.Header(
        [
            dcc.Link("SVGe Search", href=studies_path(), className="brand"),
            html.Nav(links, **{"aria-label": "Main"}),
            *([_sign_out()] if signed_in else []),
            html.Span("live", id="life", className="life", role="status"),
            html.Button("Theme", id="theme", className="button quiet", title="Switch between light and dark", type="button"),
        ],
        className="bar",
    )
    main = html.Main([html.Div(id="problem"), html.Div(notice("Loading …"), id="page")], id="main")
    return html.Div([dcc.Location(id="url", refresh="callback-nav"), dcc.Store(id="title"), html.Div(id="told"), header, main])


def _sign_out() -> Component:
    """A form, because a link could be followed by what looks ahead, or from anywhere."""
    button = html.Button("Sign out", className="button quiet", type="submit")
    return html.Form(button, action=SIGN_OUT, method="POST")


def _tell(error: Exception) -> None:
    """Say on the page what went wrong in a callback; what it was to change stays as it is.

    By the header `behaviour.js` knows which update has failed, and takes the notice away when the same one succeeds.
    """
    ctx.response.set_header(FAILED, "1")
    if isinstance(error, ServiceError):
        set_props("problem", {"children": problem("That did not work:", error.message)})
    else:
        _log.error("a callback of the dashboard failed", exc_info=error)
        set_props("problem", {"children": problem("Something went wrong.", "The service's log says what; reload the page.")})
