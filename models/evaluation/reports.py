"""Results on disk: a JSON file with the figures under their plain names, and a Markdown page that people read."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from models.evaluation.published import Published

Cell = str | int | float | None


def write_json(path: Path, figures: Mapping[str, Any]) -> None:
    """Numbers that are no JSON, such as NaN, raise `ValueError`: a figure that could not be measured is left out or None."""
    path.write_text(json.dumps(figures, indent=2, allow_nan=False) + "\n")


def write_page(path: Path, title: str, parts: Sequence[str]) -> None:
    """A Markdown page of a title and paragraphs, tables or pictures."""
    path.write_text("\n\n".join([f"# {title}", *parts]) + "\n")


def table(header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """A Markdown table; numbers with four significant digits, or two after the point from a hundred on, and a dash for None."""
    lines = [header, ["---"] * len(header), *([_text(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def beside_published(names: Sequence[str], measured: Mapping[str, Mapping[str, float]], published: Published) -> str:
    """A table of the figures `names`, one a row: what was measured of each model, then what was published of each method."""
    columns = [*measured.items(), *((f"{method} (published)", figures) for method, figures in published.figures.items())]
    rows = [[name, *(figures.get(name) for _, figures in columns)] for name in names]
    return f"{table(['', *(title for title, _ in columns)], rows)}\n\nPublished: {published.source}."


def picture(path: Path, text: str) -> str:
    """A picture that lies beside the page."""
    return f"![{text}]({path.name})"


def _text(cell: Cell) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, float):
        return f"{cell:.2f}" if abs(cell) >= 100.0 else f"{cell:.4g}"
    return f"{cell:,}" if isinstance(cell, int) else cell
