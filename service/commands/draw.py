"""`svge draw`: a picture of an architecture from a file, or of a trial of a server."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from models.architectures.architecture import Architecture
from models.architectures.drawing import draw_svg
from models.pretrained.catalogue import FOLDER
from service.commands.documents import STANDARD_INPUT, ModelsFolder, Source, read_architectures, refusals
from service.commands.remote import Key, Url, session, write_bytes
from service.commands.settings import chosen_space


class Picture(StrEnum):
    svg = "svg"
    png = "png"


def draw(
    source: Source = STANDARD_INPUT,
    space: Annotated[str | None, typer.Option(help="The search space of the file.", show_default=False)] = None,
    trial: Annotated[str | None, typer.Option(help="A trial of a server by its id, instead of a file.", show_default=False)] = None,
    out: Annotated[Path | None, typer.Option(help="A file .svg or .png instead of standard output.", show_default=False)] = None,
    form: Annotated[
        Picture | None, typer.Option("--format", help="For standard output.", show_default="by the file's name, else svg")
    ] = None,
    zoom: Annotated[float, typer.Option(min=0.1, max=20.0, help="Of a PNG: so many pixels for one of the drawing.")] = 2.0,
    models_folder: ModelsFolder = FOLDER,
    url: Url = "http://127.0.0.1:8000",
    key: Key = None,
) -> None:
    """Draw one architecture as SVG or PNG: 'svge space sample nasbench101 | svge draw --space nasbench101 --out cell.png'."""
    with refusals():
        chosen = form or _form_of(out)
        if trial is not None:
            with session(url, key) as server:
                drawing = server.client.trial_as("svg", trial)
        else:
            drawing = draw_svg(_one(source, space, models_folder))
        write_bytes(drawing.encode() if chosen is Picture.svg else as_png(drawing, zoom), out)


def as_png(drawing: str, zoom: float) -> bytes:
    """Raises `ValueError` where the converter is not installed."""
    try:
        import resvg_py
    except ImportError as error:
        raise ValueError("PNG needs an optional package; pip install 'svge-search[png]', or write .svg") from error
    return bytes(resvg_py.svg_to_bytes(svg_string=drawing, zoom=zoom, background="#ffffff"))


def _form_of(out: Path | None) -> Picture:
    suffix = "svg" if out is None else out.suffix.lower().removeprefix(".")
    if suffix not in set(Picture):
        raise ValueError(f"cannot tell the form of '{out}'; expected a name that ends in .svg or .png, or --format")
    return Picture(suffix)


def _one(source: Path, space: str | None, models_folder: Path) -> Architecture:
    if space is None:
        raise ValueError("the search space is not given; name it by --space, or draw a trial of a server by --trial")
    found = read_architectures(source, chosen_space(space, models_folder))
    if len(found) != 1:
        raise ValueError(f"expected one architecture, got {len(found)}; 'svge space draw --folder' draws many")
    return found[0]
