"""`svge server …`: what a server is and has."""

import typer
from rich.table import Table
from svge_client import Build

from service.commands import tables
from service.commands.remote import Session, remote

app = typer.Typer(no_args_is_help=True, help="A server: whether it works, its build, its spaces and models.")


@remote(app, "status")
def status(server: Session) -> None:
    """Say whether the server can work; ends with 1 where it cannot."""
    server.show(server.client.ready(), lambda checks: tables.fields(dict(checks)))


@remote(app, "version")
def version(server: Session) -> None:
    """Say which build answers."""
    server.show(server.client.version(), _build)


@remote(app, "spaces")
def spaces(server: Session) -> None:
    """List the search spaces of the server."""
    server.show(server.client.spaces(), tables.spaces_table)


@remote(app, "models")
def models(server: Session) -> None:
    """List the checkpoints of the server."""
    server.show(server.client.models(), tables.models_table)


def _build(build: Build) -> Table:
    return tables.fields({"version": build.version, "schema": build.schema, "python": build.python})
