"""`svge model …`: checkpoints that are brought to a server. `svge models` lists those of this machine, `svge server models` its."""

from pathlib import Path
from typing import Annotated

import typer

from service.commands import tables
from service.commands.remote import Session, read_bytes, remote

app = typer.Typer(no_args_is_help=True, help="Bring checkpoints to a server, or delete them there.")

Name = Annotated[str, typer.Argument(help="Lower-case letters, digits, '_' and '-', a letter first.", show_default=False)]


@remote(app, "upload")
def upload(
    server: Session,
    name: Name,
    file: Annotated[Path, typer.Argument(help="A safetensors file that 'svge train' wrote.", show_default=False)],
) -> None:
    """Add a model to the server, which checks that it works; the same one again changes nothing."""
    server.show((server.client.upload_model(name, read_bytes(file)),), tables.models_table)


@remote(app, "delete")
def delete(server: Session, name: Name, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete a model that was uploaded and that no study is pinned to, for good."""
    if not yes:
        typer.confirm(f"Delete the model '{name}', for good?", abort=True, err=True)
    server.client.delete_model(name)
    server.done(f"deleted '{name}'")
