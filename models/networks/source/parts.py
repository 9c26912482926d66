"""The text of the parts that the source of a network starts with, taken from the files that define them: there is one of each.

The files are read, not imported, because they load torch.
"""

import ast
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parents[1]


@cache
def part(file: str, name: str) -> str:
    """The text of a function or class of `models/networks/FILE.py`. Raises `KeyError` where the file has none of this name."""
    text = (_FOLDER / f"{file}.py").read_text(encoding="utf-8")
    for statement in ast.parse(text).body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef) and statement.name == name:
            return ast.get_source_segment(text, statement) or ""
    raise KeyError(f"{file}.py defines no '{name}'")
