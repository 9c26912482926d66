"""Architectures as SVG pictures. Where things go is in `layout.py`; here are the shapes, the colours and the text."""

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from models.architectures.architecture import INPUT, OUTPUT, Architecture
from models.architectures.layout import Item, Layout, Link, lay_out, spread

_MARGIN = 12.0
_NODE_HEIGHT = 30.0
_LAYER_HEIGHT = 74.0
_CHARACTER_WIDTH = 7.8
_PORT_GAP = 13.0
_ARROW = 7.0

_LINE = "#8a9099"
"""A grey that keeps a contrast of 3:1 against white and against black."""
_END_COLOUR = "#5c6470"
_PALETTE = ("#56b4e9", "#e69f00", "#009e73", "#f0e442", "#cc79a7", "#d55e00", "#0072b2")
"""Colours that people with any colour vision tell apart: Okabe & Ito, "Color universal design" (2008)."""
_COLOURS = {
    INPUT: _END_COLOUR,
    OUTPUT: _END_COLOUR,
    "none": "#c9cdd3",
    "skip": "#009e73",
    "conv1x1": "#56b4e9",
    "conv3x3": "#0072b2",
    "conv5x5": "#009e73",
    "sep_conv3x3": "#cc79a7",
    "sep_conv5x5": "#d55e00",
    "avgpool3x3": "#f0e442",
    "avg_pool3x3": "#f0e442",
    "maxpool3x3": "#e69f00",
    "max_pool3x3": "#e69f00",
    "identity": "#56b4e9",
    "add": "#c9cdd3",
    "input0": "#cc79a7",
    "input1": "#d55e00",
}

TEXT_STYLE = "font:500 13px system-ui,-apple-system,'Segoe UI',sans-serif;text-anchor:middle;dominant-baseline:central"
STYLE = (
    f".edge{{fill:none;stroke:{_LINE};stroke-width:1.8}}"
    f".arrow{{fill:{_LINE}}}"
    ".node rect{stroke:#808080;stroke-opacity:.55}"
    f".node text{{{TEXT_STYLE}}}"
)


@dataclass(frozen=True)
class Picture:
    """The elements of a drawing for a canvas of `width` times `height` pixels; `STYLE` belongs to them."""

    title: str
    width: float
    height: float
    elements: Sequence[str]

    @property
    def view_box(self) -> str:
        return f"{-_MARGIN:g} {-_MARGIN:g} {self.width:.1f} {self.height:.1f}"


def draw_svg(architecture: Architecture) -> str:
    """A drawing of the graph from top to bottom: one XML document without outside parts, for light and dark backgrounds.

    Known operations have fixed colours; any other label has one that depends on nothing but the label.
    """
    picture = draw(architecture)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{picture.width:.0f}" height="{picture.height:.0f}" '
        f'viewBox="{picture.view_box}">',
        f"<title>{xml_text(picture.title)}</title>",
        f"<style>{STYLE}</style>",
    ]
    return "\n".join([*parts, *picture.elements, "</svg>", ""])


def draw(architecture: Architecture) -> Picture:
    """The drawing as a part of a document; several in one are in `gallery.py`."""
    widths = [len(label) * _CHARACTER_WIDTH + 26 for label in architecture.nodes]
    layout = lay_out(architecture, widths)
    ports = _ports(layout, widths)
    width = (
        max(x + (widths[node] if layout.layer_of[node] == layer else 0) / 2 for (node, layer), x in layout.x.items()) + 2 * _MARGIN
    )
    height = (len(layout.layers) - 1) * _LAYER_HEIGHT + _NODE_HEIGHT + 2 * _MARGIN
    elements = []
    for source, target in architecture.edges:
        tip = f"{architecture.nodes[source]} ({source}) → {architecture.nodes[target]} ({target})"
        path = _path(layout.route((source, target)), ports, layout)
        elements.append(f'<path class="edge" data-edge="{source}-{target}" d="{path}"><title>{xml_text(tip)}</title></path>')
    elements += [_arrow(ports[link][1], link[1]) for link in layout.links if _is_node(link[1], layout)]
    elements += [
        _node(node, label, layout.x[node, layout.layer_of[node]], layout, widths) for node, label in enumerate(architecture.nodes)
    ]
    title = f"{architecture.space}: {architecture.num_nodes} nodes, {len(architecture.edges)} edges"
    return Picture(title, width, height, elements)


def xml_text(text: str) -> str:
    """Escaped, and without the control characters that XML cannot hold."""
    return escape("".join(character if character.isprintable() else " " for character in text))


def _ports(layout: Layout, widths: list[float]) -> Mapping[Link, tuple[float, float]]:
    """For each link the x at which it leaves the upper item and the x at which it enters the lower one."""
    leaves, enters = _places_at(0, layout, widths), _places_at(1, layout, widths)
    return {link: (leaves[link], enters[link]) for link in layout.links}


def _places_at(end: int, layout: Layout, widths: list[float]) -> dict[Link, float]:
    """The x of each link at its upper (0) or lower (1) end: spread along the side of a node, in the middle of a lane."""
    places: dict[Link, float] = {}
    by_item = sorted(layout.links, key=lambda link: (link[end], layout.x[link[1 - end]]))
    for item, group in itertools.groupby(by_item, key=lambda link: link[end]):
        links = list(group)
        if _is_node(item, layout):
            wanted = [layout.x[link[1 - end]] for link in links]
            places.update(zip(links, _along_side(wanted, layout.x[item], widths[item[0]]), strict=True))
        else:
            places.update(dict.fromkeys(links, layout.x[item]))
    return places


def _along_side(wanted: list[float], centre: float, width: float) -> list[float]:
    """Places on the side of a node, in order, each as close as it can be to where its link comes from."""
    low, high = centre - width / 2 + 12, centre + width / 2 - 12
    last = len(wanted) - 1
    gap = min(_PORT_GAP, (high - low) / last) if last else 0.0
    clamped = [min(max(x, low), high) for x in wanted]
    places = spread(clamped, [gap] * last, [1.0] * len(wanted))
    return [min(max(x, low + index * gap), high - (last - index) * gap) for index, x in enumerate(places)]


def _path(route: list[Item], ports: Mapping[Link, tuple[float, float]], layout: Layout) -> str:
    """Curves between the layers that are vertical where they meet, and straight lines along the lanes."""
    steps: list[str] = []
    for upper, lower in itertools.pairwise(route):
        start, end = ports[upper, lower]
        top = upper[1] * _LAYER_HEIGHT + _NODE_HEIGHT
        bottom = lower[1] * _LAYER_HEIGHT - (_ARROW if _is_node(lower, layout) else 0)
        middle = (top + bottom) / 2
        steps.append(f"{'L' if steps else 'M'}{start:.1f} {top:.1f}")
        steps.append(f"C{start:.1f} {middle:.1f} {end:.1f} {middle:.1f} {end:.1f} {bottom:.1f}")
    return " ".join(steps)


def _arrow(x: float, item: Item) -> str:
    tip = item[1] * _LAYER_HEIGHT - 0.5
    return f'<path class="arrow" d="M{x:.1f} {tip:.1f} l{-_ARROW / 1.6:.1f} {-_ARROW - 1:.1f} h{2 * _ARROW / 1.6:.1f} z"/>'


def _node(node: int, label: str, x: float, layout: Layout, widths: list[float]) -> str:
    top = layout.layer_of[node] * _LAYER_HEIGHT
    fill = _colour(label)
    radius = _NODE_HEIGHT / 2 if label in (INPUT, OUTPUT) else 7
    return (
        f'<g class="node" data-node="{node}">'
        f'<rect x="{x - widths[node] / 2:.1f}" y="{top:.1f}" width="{widths[node]:.1f}" height="{_NODE_HEIGHT:g}" '
        f'rx="{radius:g}" fill="{fill}"/>'
        f'<text x="{x:.1f}" y="{top + _NODE_HEIGHT / 2:.1f}" fill="{_ink(fill)}">{xml_text(label)}</text></g>'
    )


def _is_node(item: Item, layout: Layout) -> bool:
    return layout.layer_of[item[0]] == item[1]


def _colour(label: str) -> str:
    if label in _COLOURS:
        return _COLOURS[label]
    return _PALETTE[hashlib.sha256(label.encode()).digest()[0] % len(_PALETTE)]


def _ink(fill: str) -> str:
    """Black or white, whichever has more contrast against `fill` (relative luminance of WCAG 2)."""
    channels = [int(fill[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4 for channel in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#111111" if (luminance + 0.05) ** 2 > 0.0525 else "#ffffff"
