"""`svge study …`: the studies of a server. What is in them is `results.py`, the live picture `watch.py`."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from service.commands import results, tables, watch
from service.commands.documents import STANDARD_INPUT, Source
from service.commands.graphs import read_graphs
from service.commands.remote import Cursor, Session, StudyName, numbers, pairs, remote

app = typer.Typer(no_args_is_help=True, help="The studies of a server: make, watch and change them, and get what is in them.")
app.add_typer(results.app)
app.add_typer(watch.app)

Tags = Annotated[list[str] | None, typer.Argument(help="All tags, those that stay too; none takes all away.", show_default=False)]
Note = Annotated[str | None, typer.Argument(help="The text; none takes the note away.", show_default=False)]


class Direction(StrEnum):
    maximize = "maximize"
    minimize = "minimize"


Name = Annotated[str, typer.Argument(help="What the study is to be called.", show_default=False)]
Objectives = Annotated[
    list[str] | None,
    typer.Option("--named-objective", help="NAME=maximize or NAME=minimize, instead; may be repeated.", show_default=False),
]
Limits = Annotated[
    list[str] | None,
    typer.Option("--limit", help="parameters=N or multiply_adds=N: the most that a proposal may cost.", show_default=False),
]
Stopping = Annotated[
    list[str] | None,
    typer.Option(help="rule=median or rule=asha, then min_step=N, max_step=N and others.", show_default=False),
]
InitialSize = Annotated[int | None, typer.Option(min=1, help="Observations before the surrogate decides.", show_default="10")]
LeaseSeconds = Annotated[int | None, typer.Option(min=0, help="0 for leases without end.", show_default="the server's")]
MaxAttempts = Annotated[int | None, typer.Option(min=1, help="How often a trial is handed out.", show_default="the server's")]


@remote(app, "create")
def create(
    server: Session,
    name: Name,
    space: Annotated[str, typer.Option(help="A search space of the server.", show_default=False)],
    objective: Annotated[Direction, typer.Option(help="Of the one value that trainers report.")] = Direction.maximize,
    objectives: Objectives = None,
    limits: Limits = None,
    stopping: Stopping = None,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds and observations give equal proposals.")] = 0,
    strategy: Annotated[str | None, typer.Option(help="How architectures are chosen.", show_default="svge")] = None,
    initial_size: InitialSize = None,
    max_trials: Annotated[int | None, typer.Option(min=1, help="The budget.", show_default="none")] = None,
    lease_seconds: LeaseSeconds = None,
    max_attempts: MaxAttempts = None,
    model: Annotated[str | None, typer.Option(help="Name or hash of a checkpoint.", show_default="the space's")] = None,
    exist_ok: Annotated[bool, typer.Option("--exist-ok", help="Take a study of this name and kind as it is.")] = False,
) -> None:
    """Create a study: a search over one space with one model."""
    study = server.client.create_study(
        name,
        space,
        objective=objective.value,
        objectives=pairs(objectives, "--named-objective"),
        limits=_limits(limits),
        stopping=_rule(stopping),
        seed=seed,
        strategy=strategy,
        initial_size=initial_size,
        max_trials=max_trials,
        lease_seconds=lease_seconds,
        max_attempts=max_attempts,
        model=model,
        exist_ok=exist_ok,
    )
    server.show(study, tables.study_fields)


@remote(app, "list")
def list_studies(
    server: Session,
    tag: Annotated[str | None, typer.Option(help="Those with this tag alone.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(min=1, help="Entries a page.")] = 50,
    cursor: Cursor = None,
) -> None:
    """List the studies in order of creation."""
    server.show(server.client.studies_page(limit, cursor, tag=tag), tables.studies_table)


@remote(app, "show")
def show(server: Session, study: StudyName) -> None:
    """Show a study with the number of its trials in each state."""
    server.show(server.client.study(study), tables.study_fields)


@remote(app, "close")
def close(server: Session, study: StudyName) -> None:
    """Let a study hand out nothing more; results of what is running are still taken."""
    server.show(server.client.close_study(study), tables.study_fields)


@remote(app, "reopen")
def reopen(server: Session, study: StudyName) -> None:
    """Let a closed study hand out trials again."""
    server.show(server.client.reopen_study(study), tables.study_fields)


@remote(app, "delete")
def delete(
    server: Session,
    study: StudyName,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a study with its trials and all that was reported, for good."""
    if not yes:
        typer.confirm(f"Delete '{study}' with all of its trials, for good?", abort=True, err=True)
    server.client.delete_study(study)
    server.done(f"deleted '{study}'")


@remote(app, "pin")
def pin(
    server: Session,
    study: StudyName,
    model: Annotated[str, typer.Argument(help="Name or hash of a checkpoint of the study's space.", show_default=False)],
) -> None:
    """Let a study go on with another model."""
    server.show(server.client.pin_study(study, model), tables.study_fields)


@remote(app, "note")
def note(server: Session, study: StudyName, text: Note = None) -> None:
    """Write a note on a study, or take it away."""
    server.show(server.client.annotate_study(study, note=text), tables.study_fields)


@remote(app, "tag")
def tag(server: Session, study: StudyName, tags: Tags = None) -> None:
    """Give a study its tags."""
    server.show(server.client.annotate_study(study, tags=tags or None), tables.study_fields)


@remote(app, "enqueue")
def enqueue(server: Session, study: StudyName, source: Source = STANDARD_INPUT) -> None:
    """Let chosen architectures be trained next: 'svge space sample nasbench101 | svge study enqueue demo'."""
    graphs = read_graphs(server.client, source, server.client.study(study).space)
    server.show(server.client.enqueue(study, graphs), tables.trials_table)


def _limits(given: list[str] | None) -> dict[str, int] | None:
    found = numbers(pairs(given, "--limit"), "--limit")
    for name, value in (found or {}).items():
        if not value.is_integer():
            raise ValueError(f"expected --limit {name}=N with a whole number, got {value:g}")
    return None if found is None else {name: int(value) for name, value in found.items()}


def _rule(given: list[str] | None) -> dict[str, Any] | None:
    found = pairs(given, "--stopping")
    return None if found is None else {name: int(value) if value.isdigit() else value for name, value in found.items()}
