"""What the commands share: their common parameters, JSON Lines in and out, and how refusals are shown."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from models.architectures.architecture import Architecture, InvalidArchitecture
from models.architectures.formats import from_json
from models.spaces.space import SearchSpace

STANDARD_INPUT = Path("-")

Source = Annotated[
    Path,
    typer.Argument(help="File with one architecture a line, as JSON.", show_default="-"),
]
Out = Annotated[Path | None, typer.Option(help="File to write to instead of standard output.", show_default=False)]
Device = Annotated[str, typer.Option(envvar="SVGE_DEVICE", help="auto, cpu, cuda or cuda:N.")]
ModelsFolder = Annotated[
    Path, typer.Option("--models-folder", envvar="SVGE_MODELS_FOLDER", help="Folder of checkpoints.", show_default="shipped")
]


@contextmanager
def refusals() -> Iterator[None]:
    """Every refusal of the program's own is a `ValueError` whose message says what to do: show that instead of a traceback."""
    try:
        yield
    except ValueError as error:
        typer.secho(f"svge: {error}", fg="red", err=True)
        raise typer.Exit(2) from error


def read_architectures(source: Path, space: SearchSpace) -> list[Architecture]:
    """The valid architectures of a file, or of standard input for `-`.

    There is one a line, as `{"nodes": …, "edges": …}` or in the space's own form. Raises `ValueError` that names the line at fault,
    or the file where it cannot be read.
    """
    try:
        text = sys.stdin.read() if source == STANDARD_INPUT else source.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"cannot read '{source}': {error.strerror}; give a file with one architecture a line") from error
    except UnicodeDecodeError as error:
        name = "standard input" if source == STANDARD_INPUT else f"'{source}'"
        raise ValueError(f"{name} is no text in UTF-8: {error.reason} at byte {error.start}; save it as UTF-8") from error
    return [_architecture(line, number, space) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]


def write_lines(values: Iterable[Any], out: Path | None) -> None:
    """One JSON value a line, to a file or to standard output. Raises `ValueError` where the file cannot be written."""
    write_text("".join(json.dumps(value) + "\n" for value in values), out)


def write_text(text: str, out: Path | None) -> None:
    """Text that ends its last line, to a file or to standard output. Raises `ValueError` where the file cannot be written."""
    if out is None:
        typer.echo(text, nl=False)
    else:
        with writing_to(out, "--out"):
            out.write_text(text, encoding="utf-8")


@contextmanager
def writing_to(path: Path, option: str) -> Iterator[None]:
    """Raise `ValueError`, naming the path and the option that gave it, where it cannot be written to."""
    try:
        yield
    except OSError as error:
        raise ValueError(f"cannot write to '{path}': {error.strerror}; choose another {option}") from error


def _architecture(line: str, number: int, space: SearchSpace) -> Architecture:
    try:
        value = json.loads(line)
        if isinstance(value, Mapping) and "nodes" in value:
            architecture = from_json({"space": space.name, **value})
        else:
            architecture = space.parse_native(value)
        space.validate(architecture)
    except json.JSONDecodeError as error:
        raise ValueError(f"line {number} is no JSON value: {error}; give one architecture a line") from error
    except RecursionError as error:
        raise ValueError(
            f"line {number} is nested too deeply; give one architecture a line, as lists of nodes and edges"
        ) from error
    except InvalidArchitecture as error:
        raise ValueError(f"line {number}: {error}") from error
    return architecture
