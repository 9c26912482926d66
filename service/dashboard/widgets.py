"""The pieces that pages are made of."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from models.architectures.architecture import Architecture
from models.architectures.drawing import draw_svg
from service.dashboard.figures.style import Figure
from service.dashboard.wording import ago, instant

Content = Any
"""What Dash takes as children: a component, a text, or a list of both."""

MOST_DRAWN_EDGES = 150
_GRAPH: Mapping[str, Any] = {
    "displaylogo": False,
    "responsive": True,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
}


def page(title: Content, *content: Content, trail: Sequence[tuple[str, str]] = (), actions: Sequence[Content] = ()) -> Component:
    """A page under its heading; `trail` are the pages above it, as texts and addresses."""
    crumbs = [html.Li(dcc.Link(text, href=address)) for text, address in trail]
    head = html.Div([html.H1(title), html.Div(list(actions), className="actions")], className="page-head")
    trail_row = [html.Nav(html.Ol(crumbs), className="trail", **{"aria-label": "Pages above"})] if crumbs else []
    return html.Div([*trail_row, head, *content])


def card(title: str, *content: Content, caption: Content = None, wide: bool = False, extra: Content = None) -> Component:
    head = [html.H2(title)] + ([extra] if extra is not None else [])
    foot = [html.P(caption, className="caption")] if caption is not None else []
    return html.Section([html.Div(head, className="card-head"), *content, *foot], className="card wide" if wide else "card")


def graph(component_id: Any, figure: Figure, label: str, height: int = 320, clear_on_unhover: bool = False) -> Component:
    """A plot, with a text for who cannot see it."""
    style = {"height": f"{height}px"}
    plot = dcc.Graph(id=component_id, figure=figure, config=dict(_GRAPH), style=style, clear_on_unhover=clear_on_unhover)
    return html.Div(plot, role="group", className="plot", **{"aria-label": label})


def figures(*pairs: tuple[str, Content]) -> Component:
    """A row of figures that tell how something stands, each under its name."""
    return html.Dl(
        [html.Div([html.Dt(name), html.Dd(value)], className="figure") for name, value in pairs],
        className="figures",
    )


def facts(pairs: Sequence[tuple[str, Content]]) -> Component:
    """Names and values below each other."""
    return html.Dl([part for name, value in pairs for part in (html.Dt(name), html.Dd(value))], className="facts")


def table(heads: Sequence[str], rows: Sequence[Sequence[Content]], label: str, numeric: Sequence[int] = ()) -> Component:
    """A plain table; the columns `numeric` are set to the right."""
    marks = ["number" if place in numeric else "" for place in range(len(heads))]
    head = html.Thead(html.Tr([html.Th(text, scope="col", className=mark) for text, mark in zip(heads, marks, strict=True)]))
    body = [html.Tr([html.Td(cell, className=mark) for cell, mark in zip(row, marks, strict=True)]) for row in rows]
    return html.Div(
        html.Table([head, html.Tbody(body)], **{"aria-label": label}),
        className="scroll",
        role="region",
        tabIndex=0,
        **{"aria-label": label},
    )


def badge(text: str, kind: str = "") -> Component:
    return html.Span(text, className=f"badge {kind}".strip())


def moment(when: datetime | None, now: datetime) -> Component:
    """How long ago something was; its instant where one points at it."""
    return html.Span(ago(when, now), title=instant(when))


def progress_bar(done: int, of: int | None, label: str) -> Component:
    share = min(1.0, done / of) if of else 0.0
    fill = html.Span(style={"width": f"{share:.1%}"})
    bounds = {"aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": f"{100 * share:.0f}", "aria-label": label}
    return html.Span(fill, className="progress", role="progressbar", **bounds)


def notice(text: Content, kind: str = "") -> Component:
    """What there is to say where there is nothing to show."""
    return html.Div(text, className=f"notice {kind}".strip())


def problem(title: str, text: str) -> Component:
    return html.Div([html.Strong(title), " ", text], className="notice problem", role="alert")


def drawing(architecture: Architecture, alt: str, small: bool = False) -> Component:
    """The architecture as a picture; one that is too large for anybody to follow as a sentence."""
    if len(architecture.edges) > MOST_DRAWN_EDGES:
        return notice(f"{len(architecture.edges)} edges are too many to draw; ask for its DOT file.")
    code = b64encode(draw_svg(architecture).encode()).decode()
    return html.Img(src=f"data:image/svg+xml;base64,{code}", alt=alt, className="drawing small" if small else "drawing")


def choice(component_id: str, options: Sequence[tuple[str, str]], value: Any, label: str, several: bool = False) -> Component:
    """One of several options, given as texts and keys, or with `several` any of them: buttons that are all in sight."""
    box = dcc.Checklist if several else dcc.RadioItems
    choices = [{"label": text, "value": key} for text, key in options]
    return html.Fieldset(
        [html.Legend(label), box(id=component_id, options=choices, value=value, className="pills")], className="choice"
    )


def loading(content: Component) -> Component:
    """Content that shows while it is being computed again."""
    return dcc.Loading(content, type="dot", delay_show=250, overlay_style={"visibility": "visible", "opacity": 0.5})
