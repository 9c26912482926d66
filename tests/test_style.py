"""The habits of this code base that a machine can check: short files and functions, module docstrings, empty `__init__.py`."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("models", "service", "client", "migrations")
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 40

Function = ast.FunctionDef | ast.AsyncFunctionDef


def files() -> list[Path]:
    return sorted(
        path.relative_to(ROOT) for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") if "build" not in path.parts
    )


def functions(tree: ast.Module) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def length_without_docstring(function: Function) -> int:
    """The lines from `def` to the end of the body, less those of the docstring."""
    assert function.end_lineno is not None
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is not None:
        docstring = function.body[0]
        assert docstring.end_lineno is not None
        lines -= docstring.end_lineno - docstring.lineno + 1
    return lines


def test_there_are_files_to_check() -> None:
    folders = {path.parts[0] for path in files()}
    assert folders == set(FOLDERS)


@pytest.mark.parametrize("path", files(), ids=str)
def test_a_file_is_short_and_starts_with_its_docstring(path: Path) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert len(text.splitlines()) < MAX_FILE_LINES, (
        f"{path} has {MAX_FILE_LINES} lines or more; move one concept to a file of its own"
    )
    if text.strip():
        assert ast.get_docstring(tree), f"{path} must start with a docstring that says what is here and what is elsewhere"
    long = [
        (function.name, function.lineno) for function in functions(tree) if length_without_docstring(function) >= MAX_FUNCTION_LINES
    ]
    assert not long, f"{path}: functions of {MAX_FUNCTION_LINES} lines or more: {long}; split them"


@pytest.mark.parametrize("path", [path for path in files() if path.name == "__init__.py" and path.parts[0] != "client"], ids=str)
def test_an_init_file_is_empty(path: Path) -> None:
    assert not (ROOT / path).read_text(encoding="utf-8").strip(), f"{path} must be empty; only the client's face lists names"


def test_the_length_of_a_function_leaves_out_its_docstring() -> None:
    tree = ast.parse('def f():\n    """One\n    two.\n    """\n    x = 1\n    return x\n\n\nasync def g():\n    return 1\n')
    assert [length_without_docstring(function) for function in functions(tree)] == [3, 2]
