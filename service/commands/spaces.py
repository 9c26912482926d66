"""`svge space …`: what can be searched. Nothing here needs torch."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonical_id
from models.architectures.drawing import draw_svg
from models.architectures.formats import to_dot, to_json
from models.networks.source.network_source import network_source
from models.pretrained.catalogue import FOLDER, spaces_in
from service.commands.documents import (
    STANDARD_INPUT,
    ModelsFolder,
    Out,
    Source,
    read_architectures,
    refusals,
    write_lines,
    writing_to,
)
from service.commands.remote import Session, read_bytes, remote
from service.commands.settings import chosen_space, model_folders
from service.commands.tables import spaces_table

app = typer.Typer(
    no_args_is_help=True, help="Look at the search spaces: list them, sample them, draw architectures; bring one to a server."
)


class Form(StrEnum):
    svg = "svg"
    dot = "dot"
    python = "python"


_WRITE: dict[Form, Callable[[Architecture], str]] = {Form.svg: draw_svg, Form.dot: to_dot, Form.python: network_source}
_SUFFIX = {Form.svg: "svg", Form.dot: "dot", Form.python: "py"}

SpaceName = Annotated[
    str, typer.Argument(help="A search space, which 'svge space list' names, or the YAML file of one.", show_default=False)
]


@app.command("list")
def list_spaces(folder: ModelsFolder = FOLDER) -> None:
    """List the search spaces with their sizes and operations, and those that were added."""
    table = Table("space", "architectures", "largest", "operations")
    with refusals():
        spaces = spaces_in(*model_folders(folder))
    for space in spaces:
        size = "not known" if space.size is None else f"{space.size:,}"
        table.add_row(space.name, size, f"{space.max_nodes} nodes", ", ".join(space.operations))
    Console().print(table)


@app.command()
def sample(
    space: SpaceName,
    count: Annotated[int, typer.Option(min=1, help="How many architectures; they may repeat.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds give equal samples.")] = 0,
    native: Annotated[bool, typer.Option("--native", help="Write the space's own form instead of nodes and edges.")] = False,
    out: Out = None,
    models_folder: ModelsFolder = FOLDER,
) -> None:
    """Draw architectures at random from a space, one JSON value a line."""
    with refusals():
        chosen = chosen_space(space, models_folder)
        rng = np.random.default_rng(seed)
        form = chosen.format_native if native else to_json
        write_lines([form(chosen.sample(rng)) for _ in range(count)], out)


@app.command()
def draw(
    space: SpaceName,
    source: Source = STANDARD_INPUT,
    form: Annotated[Form, typer.Option("--format", help="SVG picture, Graphviz text or a PyTorch module.")] = Form.svg,
    folder: Annotated[
        Path | None,
        typer.Option(help="Folder for the files, named by canonical id; needed for more than one.", show_default=False),
    ] = None,
    models_folder: ModelsFolder = FOLDER,
) -> None:
    """Draw architectures: 'svge space sample nasbench101 | svge space draw nasbench101 > cell.svg'."""
    with refusals():
        architectures = read_architectures(source, chosen_space(space, models_folder))
        if folder is None:
            if len(architectures) != 1:
                raise ValueError(f"expected one architecture for standard output, got {len(architectures)}; give a --folder")
            typer.echo(_WRITE[form](architectures[0]), nl=False)
            return
        with writing_to(folder, "--folder"):
            folder.mkdir(parents=True, exist_ok=True)
        for architecture in architectures:
            path = folder / f"{canonical_id(architecture)[:16]}.{_SUFFIX[form]}"
            with writing_to(path, "--folder"):
                path.write_text(_WRITE[form](architecture), encoding="utf-8")
            typer.echo(path)


@remote(app, "upload")
def upload(
    server: Session, file: Annotated[Path, typer.Argument(help="The YAML or JSON file of a space.", show_default=False)]
) -> None:
    """Add a search space to a server by its definition; the same one again changes nothing."""
    server.show((server.client.upload_space(read_bytes(file)),), spaces_table)
