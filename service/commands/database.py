"""`svge db …`: the database schema."""

from typing import Annotated

import typer
from alembic.util import CommandError
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from service.commands.documents import refusals
from service.commands.settings import read_settings
from service.storage.schema import head_revision, upgrade
from service.storage.session import Database

app = typer.Typer(no_args_is_help=True, help="Look after the database.")


@app.command("upgrade")
def upgrade_database(
    database_url: Annotated[str | None, typer.Option(help="Overrides SVGE_DATABASE_URL.", show_default=False)] = None,
) -> None:
    """Bring the database to the newest schema; one that is there already stays as it is."""
    with refusals():
        url = database_url or read_settings({}).database_url
        prepare_database(url)
    typer.echo(f"{make_url(url).render_as_string(hide_password=True)} is at revision {head_revision()}")


def prepare_database(url: str) -> None:
    """Bring a database to the newest schema. Raises `ValueError`, one line, for one that cannot be used."""
    try:
        database = Database(url)
        try:
            upgrade(database)
        finally:
            database.close()
    except (SQLAlchemyError, CommandError, ImportError, OSError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        reason = " ".join(str(cause).split())
        raise ValueError(f"cannot use the database {_shown(url)}: {reason}; correct --database-url or SVGE_DATABASE_URL") from error


def _shown(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "whose URL is not one of SQLAlchemy"
