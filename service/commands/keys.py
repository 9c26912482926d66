"""`svge keys …`: who may use the API."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from service.commands.database import prepare_database
from service.commands.documents import refusals
from service.commands.settings import read_settings
from service.storage.session import Database
from service.storage.values import KeyScope
from service.studies import keys

app = typer.Typer(no_args_is_help=True, help="Make, list and revoke keys to the API.")

DatabaseUrl = Annotated[str | None, typer.Option(help="Overrides SVGE_DATABASE_URL.", show_default=False)]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    scope: Annotated[
        KeyScope, typer.Option(help="read: look around; observe: also suggest, observe, heartbeat; admin: also change studies.")
    ] = KeyScope.OBSERVE,
    database_url: DatabaseUrl = None,
) -> None:
    """Make a key and print its token, this once: the database keeps a hash of it alone."""
    with _database(database_url) as database:
        typer.echo(keys.create_key(database, name, scope))


@app.command("list")
def list_all(database_url: DatabaseUrl = None) -> None:
    """Show the keys there are, with their scopes and when they were made."""
    with _database(database_url) as database:
        for key in keys.list_keys(database):
            typer.echo(f"{key.name:<30} {key.scope:<8} {key.created_at:%Y-%m-%d %H:%M}")


@app.command()
def revoke(name: Annotated[str, typer.Argument(help="The name of the key.")], database_url: DatabaseUrl = None) -> None:
    """Let a key open nothing any more; running servers notice within seconds."""
    with _database(database_url) as database:
        keys.revoke_key(database, name)
    typer.echo(f"revoked '{name}'")


@contextmanager
def _database(url: str | None) -> Iterator[Database]:
    with refusals():
        chosen = url or read_settings({}).database_url
        prepare_database(chosen)
        database = Database(chosen)
        try:
            yield database
        finally:
            database.close()
