"""`svge study …`: the trials of a study, its curve and map, and studies as files."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text
from svge_client import Imported

from service.commands import tables
from service.commands.documents import STANDARD_INPUT, Out, Source
from service.commands.graphs import read_graphs
from service.commands.remote import Cursor, Session, StudyName, read_bytes, remote, write_bytes

app = typer.Typer()


class ExportForm(StrEnum):
    csv = "csv"
    jsonl = "jsonl"
    parquet = "parquet"


@remote(app, "trials")
def trials(
    server: Session,
    study: StudyName,
    state: Annotated[
        str | None, typer.Option(help="waiting, running, completed, failed, infeasible or stopped.", show_default="all")
    ] = None,
    tag: Annotated[str | None, typer.Option(help="Those with this tag alone.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(min=1, help="Entries a page.")] = 50,
    cursor: Cursor = None,
    since: Annotated[
        str | None, typer.Option(help="The 'next_since' of an answer: what has changed after it.", show_default=False)
    ] = None,
) -> None:
    """List the trials of a study in order of their number, a page at a time."""
    page = server.client.trials_page(study, limit, cursor, since=since, state=state, tag=tag)
    server.show(page, tables.trials_page)


@remote(app, "best")
def best(
    server: Session, study: StudyName, k: Annotated[int, typer.Option("--count", "-k", min=1, help="How many trials.")] = 1
) -> None:
    """Show the best completed trials, the best first."""
    server.show(server.client.best(study, k), tables.trials_table)


@remote(app, "pareto")
def pareto(server: Session, study: StudyName, limit: Annotated[int, typer.Option(min=1, help="Most trials.")] = 100) -> None:
    """Show the completed trials that no other one dominates."""
    server.show(server.client.pareto(study, limit), tables.trials_table)


@remote(app, "curve")
def curve(server: Session, study: StudyName) -> None:
    """Show the trials that improved the best value so far; 'svge study watch' draws them."""
    server.show(server.client.curve(study), tables.curve_table)


@remote(app, "map")
def latent_map(
    server: Session,
    study: StudyName,
    limit: Annotated[int, typer.Option(min=1, help="Most trials, the newest.")] = 500,
    sample: Annotated[int, typer.Option(min=0, help="Random architectures of the space beside them.")] = 200,
) -> None:
    """Show where the newest trials lie in a plane of the latent space."""
    server.show(server.client.latent_map(study, limit, sample), tables.latent_map)


@remote(app, "predict")
def predict(server: Session, study: StudyName, source: Source = STANDARD_INPUT) -> None:
    """Say what a study expects of architectures, and whether it has tried them."""
    graphs = read_graphs(server.client, source, server.client.study(study).space)
    server.show(server.client.predict(study, graphs), tables.predictions_table)


@remote(app, "import")
def import_trials(
    server: Session,
    study: StudyName,
    file: Annotated[Path, typer.Argument(help="CSV or JSON lines.", show_default=False)],
    column: Annotated[
        str | None, typer.Option(help="Where the values are.", show_default="'value', or the only column of numbers")
    ] = None,
) -> None:
    """Store results from elsewhere, all rows of a file or none; the same file again changes nothing."""
    server.show(server.client.import_trials(study, read_bytes(file), column), _imported)


@remote(app, "export")
def export(
    server: Session,
    study: StudyName,
    form: Annotated[ExportForm, typer.Option("--format", help="Parquet where the server has pyarrow.")] = ExportForm.csv,
    out: Out = None,
) -> None:
    """Write all trials of a study to a file or to standard output; --json changes nothing here."""
    write_bytes(server.client.export(study, form.value), out)


def _imported(done: Imported) -> Text:
    return Text(f"{done.imported} stored, {done.unchanged} there already, {done.left_out} without a result")
