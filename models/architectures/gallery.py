"""Several architectures in one document: SVG drawings in rows, each under its caption, and the clusters of one Graphviz graph.

What one drawing looks like is in `drawing.py`, the graph of one architecture in `formats.py`.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from models.architectures.architecture import Architecture
from models.architectures.drawing import STYLE, TEXT_STYLE, Picture, draw, draw_svg, xml_text
from models.architectures.formats import DOT_NODES, dot_statements, dot_string, to_dot

_COLUMNS = 9
_GAP = 24.0
_CAPTION_HEIGHT = 28.0
_CHARACTER_WIDTH = 7.5
_CAPTION_STYLE = f".caption{{fill:#767676;{TEXT_STYLE}}}"
"""In a grey that keeps a contrast of 4.5:1 against white and against black."""


@dataclass(frozen=True)
class Captioned:
    """An architecture, and what is said of it in a few words."""

    architecture: Architecture
    caption: str


def decoded_groups(points: Sequence[Sequence[tuple[Architecture, float]]]) -> list[list[Captioned]]:
    """What each point decodes to, captioned by its frequency, a share of 1; several points are counted from 0."""
    places = [f"point {point}: " if len(points) > 1 else "" for point in range(len(points))]
    return [
        [Captioned(architecture, f"{place}{100 * frequency:.3g} %") for architecture, frequency in around]
        for place, around in zip(places, points, strict=True)
    ]


def draw_gallery(groups: Sequence[Sequence[Captioned]]) -> str:
    """The drawings as one SVG document; one alone is drawn without its caption. Raises `ValueError` where there are none.

    Every group begins a row of its own, but groups of one stand side by side, as those of an interpolation do.
    """
    rows = _rows(groups)
    if not rows:
        raise ValueError("expected at least one architecture to draw, got none")
    if [len(row) for row in rows] == [1]:
        return draw_svg(rows[0][0].architecture)
    pictures = {(y, x): draw(item.architecture) for y, row in enumerate(rows) for x, item in enumerate(row)}
    widths, heights = [0.0] * max(map(len, rows)), [_CAPTION_HEIGHT] * len(rows)
    for (y, x), picture in pictures.items():
        widths[x] = max(widths[x], picture.width, len(rows[y][x].caption) * _CHARACTER_WIDTH)
        heights[y] = max(heights[y], picture.height + _CAPTION_HEIGHT)
    lefts, tops = _starts(widths), _starts(heights)
    width, height = lefts[-1] + widths[-1], tops[-1] + heights[-1]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.1f} {height:.1f}">',
        f"<title>{len(pictures)} architectures</title>",
        f"<style>{STYLE}{_CAPTION_STYLE}</style>",
    ]
    for (y, x), picture in pictures.items():
        parts += _captioned(picture, rows[y][x].caption, lefts[x] + widths[x] / 2, tops[y])
    return "\n".join([*parts, "</svg>", ""])


def dot_gallery(groups: Sequence[Sequence[Captioned]]) -> str:
    """One graph in the DOT language with a cluster for each architecture, under its caption; one alone is a graph itself."""
    items = [item for group in groups for item in group]
    if len(items) == 1:
        return to_dot(items[0].architecture)
    lines = []
    for number, item in enumerate(items):
        lines += [f"  subgraph cluster_{number} {{", f"    label={dot_string(item.caption)};"]
        lines += [f"  {statement}" for statement in dot_statements(item.architecture, f"{number}.")]
        lines.append("  }")
    return "\n".join(["digraph {", DOT_NODES, *lines, "}", ""])


def _rows(groups: Sequence[Sequence[Captioned]]) -> list[Sequence[Captioned]]:
    """The groups, or all of them together where they have one member each, cut to the length of a row."""
    if all(len(group) == 1 for group in groups):
        groups = [[group[0] for group in groups]]
    return [group[start : start + _COLUMNS] for group in groups for start in range(0, len(group), _COLUMNS)]


def _captioned(picture: Picture, caption: str, centre: float, top: float) -> list[str]:
    return [
        f'<text class="caption" x="{centre:.1f}" y="{top + _CAPTION_HEIGHT / 2:.1f}">{xml_text(caption)}</text>',
        f'<svg x="{centre - picture.width / 2:.1f}" y="{top + _CAPTION_HEIGHT:.1f}" '
        f'width="{picture.width:.1f}" height="{picture.height:.1f}" viewBox="{picture.view_box}">',
        f"<title>{xml_text(f'{caption}; {picture.title}')}</title>",
        *picture.elements,
        "</svg>",
    ]


def _starts(sizes: Sequence[float]) -> list[float]:
    """Where each of these begins when they stand one after the other."""
    return list(itertools.accumulate((size + _GAP for size in sizes[:-1]), initial=0.0))
