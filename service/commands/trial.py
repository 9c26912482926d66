"""`svge trial …`: the trials of a server, and a trainer's words for those who train by hand or from a shell."""

from enum import StrEnum
from typing import Annotated

import typer
from svge_client import Trial, TrialHistory

from service.commands import tables
from service.commands.documents import Out, write_text
from service.commands.remote import NOTHING, Cursor, Session, StudyName, TrialId, numbers, pairs, remote
from service.commands.study import Note, Tags

app = typer.Typer(no_args_is_help=True, help="The trials of a server: look at them, ask for one, report its result.")

Worker = Annotated[str, typer.Option(help="Who asks; one that asks again gets what it holds.", show_default=False)]


class Status(StrEnum):
    completed = "completed"
    failed = "failed"
    infeasible = "infeasible"
    stopped = "stopped"


class Form(StrEnum):
    svg = "svg"
    dot = "dot"
    python = "python"


@remote(app, "show")
def show(
    server: Session,
    trial: TrialId,
    form: Annotated[
        Form | None,
        typer.Option("--format", help="Its architecture as picture, Graphviz text or PyTorch module.", show_default=False),
    ] = None,
    out: Out = None,
) -> None:
    """Show a trial with its attempts and reports, or its architecture in another form."""
    if form is None:
        server.show(server.client.read_trial(trial), tables.history)
    else:
        write_text(server.client.trial_as(form.value, trial), out)


@remote(app, "progress")
def progress(
    server: Session, trial: TrialId, limit: Annotated[int, typer.Option(min=1, help="Entries a page.")] = 50, cursor: Cursor = None
) -> None:
    """List the intermediate values of a trial."""
    server.show(server.client.progress_page(trial, limit, cursor), tables.progress)


@remote(app, "note")
def note(server: Session, trial: TrialId, text: Note = None) -> None:
    """Write a note on a trial, or take it away."""
    server.show(server.client.annotate(trial, note=text), tables.trial_fields)


@remote(app, "tag")
def tag(server: Session, trial: TrialId, tags: Tags = None) -> None:
    """Give a trial its tags."""
    server.show(server.client.annotate(trial, tags=tags or None), tables.trial_fields)


@remote(app, "replicate")
def replicate(
    server: Session, trial: TrialId, count: Annotated[int, typer.Option(min=1, help="How many more trials.")] = 1
) -> None:
    """Let a trial's architecture be trained again."""
    server.show(server.client.replicate(trial, count), tables.trials_table)


@remote(app, "suggest")
def suggest(
    server: Session,
    study: StudyName,
    worker: Worker,
    count: Annotated[int, typer.Option(min=1, help="How many trials.")] = 1,
    wait: Annotated[
        float | None, typer.Option(min=0, help="Longest wait for a fresh proposal, in seconds.", show_default="the server's")
    ] = None,
    max_nodes: Annotated[
        int | None, typer.Option(min=2, help="Propose larger architectures, up to so many nodes.", show_default=False)
    ] = None,
    strategy: Annotated[str | None, typer.Option(help="Instead of the study's own, this once.", show_default=False)] = None,
) -> None:
    """Ask for trials to train. Ends with 3 where the study hands out none."""
    suggestion = server.client.suggest(study, count, wait, max_nodes, strategy, worker=worker)
    server.show(suggestion.trials, tables.trials_table)
    if suggestion.reason:
        typer.echo(suggestion.reason, err=True)
    if not suggestion.trials:
        raise typer.Exit(NOTHING)


@remote(app, "heartbeat")
def heartbeat(
    server: Session,
    trials: Annotated[list[str], typer.Argument(help="The ids of trials that the worker holds.", show_default=False)],
    worker: Worker,
) -> None:
    """Renew the leases of a worker's trials, and say which are lost or should stop."""
    server.show(server.client.heartbeat(trials, worker=worker), tables.heartbeat)


@remote(app, "observe")
def observe(
    server: Session,
    trial: TrialId,
    value: Annotated[float | None, typer.Option(help="The result, in the objective's own unit.", show_default=False)] = None,
    values: Annotated[
        list[str] | None,
        typer.Option("--named-value", help="NAME=NUMBER for each named objective; may be repeated.", show_default=False),
    ] = None,
    std: Annotated[float | None, typer.Option(min=0, help="Standard error of the value.", show_default=False)] = None,
    status: Annotated[Status, typer.Option(help="How the training ended.")] = Status.completed,
    reason: Annotated[str, typer.Option(help="Why it failed or was stopped.")] = "",
    metrics: Annotated[
        list[str] | None, typer.Option("--metric", help="NAME=NUMBER to keep with it; may be repeated.", show_default=False)
    ] = None,
    step: Annotated[int | None, typer.Option(min=1, help="After which the value was measured.", show_default=False)] = None,
    attempt: Annotated[int | None, typer.Option(min=1, help="Which attempt it is of.", show_default="the last")] = None,
) -> None:
    """Report the result of a trial; the same again changes nothing."""
    given: dict[str, object] = {"--value": value, "--std": std, "--step": step}
    given |= {"--named-value": values or None, "--metric": metrics or None, "--reason": reason or None}
    _check_options(status, {option for option, told in given.items() if told is not None})
    found = server.client.read_trial(trial)
    held = found.trial if attempt is None else _of_attempt(found, attempt)
    if status is Status.failed:
        done = server.client.fail(held, reason)
    elif status is Status.infeasible:
        done = server.client.infeasible(held, reason)
    elif status is Status.stopped:
        done = server.client.stop(held, reason, value=value, step=step)
    else:
        result = value if value is not None else numbers(pairs(values, "--named-value"), "--named-value")
        if result is None:
            raise ValueError("a completed trial has a value; give --value, or --named-value for each objective")
        done = server.client.observe(held, result, std=std, metrics=numbers(pairs(metrics, "--metric"), "--metric"), step=step)
    server.show(done, tables.trial_fields)


_OPTIONS = {
    Status.completed: {"--value", "--named-value", "--std", "--metric", "--step"},
    Status.stopped: {"--value", "--step", "--reason"},
    Status.failed: {"--reason"},
    Status.infeasible: {"--reason"},
}


def _check_options(status: Status, given: set[str]) -> None:
    """Raises `ValueError` where something that was said would not be stored."""
    if {"--value", "--named-value"} <= given:
        raise ValueError("a trial has one value or one for each named objective; give --value or --named-value, not both")
    unused = sorted(given - _OPTIONS[status])
    if unused:
        raise ValueError(f"a trial that is {status} has no {', '.join(unused)}; leave that out, or say another --status")


def _of_attempt(found: TrialHistory, attempt: int) -> Trial:
    return Trial.from_json({**found.trial.document, "attempt": attempt})
