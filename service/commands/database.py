"""`svge db …`: the database schema."""

from typing import Annotated

import typer
from sqlalchemy import make_url

from service.settings import Settings
from service.storage.schema import head_revision, upgrade
from service.storage.session import Database

app = typer.Typer(no_args_is_help=True, help="Look after the database.")


@app.command("upgrade")
def upgrade_database(
    database_url: Annotated[str | None, typer.Option(help="Overrides SVGE_DATABASE_URL.", show_default=False)] = None,
) -> None:
    """Bring the database to the newest schema; one that is there already stays as it is."""
    url = database_url or Settings.model_validate({}).database_url
    upgrade(Database(url))
    typer.echo(f"{make_url(url).render_as_string(hide_password=True)} is at revision {head_revision()}")
