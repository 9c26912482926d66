"""Architectures as a picture, as Graphviz text and as a PyTorch module, and what routes document of that.

Which of these a caller gets is `negotiation.py`.
"""

from collections.abc import Callable, Sequence
from typing import Any

from starlette.responses import Response

from models.architectures.architecture import Architecture, Fault
from models.architectures.drawing import draw_svg
from models.architectures.formats import from_json, to_dot
from models.architectures.gallery import decoded_groups, dot_gallery, draw_gallery
from models.networks.source.network_source import network_source
from service.api.decode_query import FoundPoints
from service.api.dependencies import check_limit
from service.api.negotiation import MEDIA_TYPES, VARY, Form
from service.api.openapi import Responses
from service.api.schemas.architectures import CELL
from service.errors import InvalidRequest
from service.studies.latents import Decoded

_TEXTS: dict[Form, Callable[[Architecture], str]] = {"svg": draw_svg, "dot": to_dot, "python": network_source}
_MOST_EDGES = 150
"""Of an architecture in a picture: the time to lay it out grows faster than they do, and nobody could follow more."""
_SVG_POLICY = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
"""A picture loads nothing and runs nothing, where a browser opens it as a page too."""


def architecture_response(form: Form, architecture: Architecture) -> Response:
    """One architecture in a form other than JSON, which its space has. Raises `InvalidRequest` for one too large for a picture."""
    if form == "svg":
        _check_size(architecture)
    return _response(form, _TEXTS[form](architecture))


def check_points(form: Form, found: FoundPoints, max_drawings: int) -> None:
    """Raise `InvalidRequest` where the form does not hold as much as so many points decode to."""
    if form == "svg":
        check_limit(len(found.points), max_drawings, found.pointers[0], "points in a picture")
    if form == "python" and len(found.points) > 1:
        message = f"expected one point for a PyTorch module, got {len(found.points)}; decode one, or ask for another form"
        raise InvalidRequest([Fault(found.pointers[0], message)])


def decoded_response(form: Form, num_points: int, decoded: Sequence[Decoded], max_drawings: int) -> Response:
    """What was decoded in a form other than JSON: all of it as a picture or graph, in Python the most frequent valid one.

    Raises `InvalidRequest` where there is too much for a picture, or nothing valid for Python.
    """
    if form == "python":
        valid = [item.decoding.architecture for item in decoded if item.valid]
        if not valid:
            raise InvalidRequest(
                [Fault("/samples", "nothing that was decoded is valid, so there is no network; ask for more samples")]
            )
        return architecture_response(form, valid[0])
    around: list[list[tuple[Architecture, float]]] = [[] for _ in range(num_points)]
    for item in decoded:
        around[item.point].append((item.decoding.architecture, item.decoding.frequency))
    groups = decoded_groups(around)
    if form == "dot":
        return _response(form, dot_gallery(groups))
    check_limit(len(decoded), max_drawings, "/samples", "architectures in a picture")
    for item in decoded:
        _check_size(item.decoding.architecture)
    return _response(form, draw_gallery(groups))


def _check_size(architecture: Architecture) -> None:
    if len(architecture.edges) > _MOST_EDGES:
        message = f"expected at most {_MOST_EDGES} edges in a picture, the architecture has {len(architecture.edges)}; ask for dot"
        raise InvalidRequest([Fault("/format", message)])


def documented(answer: Any) -> Responses:
    """What a route that answers in every form adds to its documentation; `answer` is an example of its JSON."""
    cell = from_json(CELL)
    content = {MEDIA_TYPES[form]: {"schema": {"type": "string"}, "example": text(cell)} for form, text in _TEXTS.items()}
    return {200: {"content": {MEDIA_TYPES["json"]: {"example": answer}, **content}}}


def _response(form: Form, text: str) -> Response:
    return Response(text, media_type=MEDIA_TYPES[form], headers=VARY | (_SVG_POLICY if form == "svg" else {}))
