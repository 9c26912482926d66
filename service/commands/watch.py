"""`svge study watch`: the best value so far as a curve in the terminal, while the study runs."""

import time
from typing import Annotated

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text
from svge_client import Client, Curve, Study, Trial

from service.commands import tables
from service.commands.remote import Session, StudyName, remote

app = typer.Typer()

_HEIGHT = 16
_MOST_RUNNING = 10


@remote(app, "watch")
def watch(
    server: Session,
    study: StudyName,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 2.0,
) -> None:
    """Draw the best value so far, the progress and the running trials, until the study ends or Ctrl-C.

    A study ends when it is closed, or its budget used up, and nothing runs any more. With --json each look
    prints the study as one line.
    """
    console = Console()
    try:
        if server.as_json:
            while not _look(server, study):
                time.sleep(every)
            return
        with Live(console=console, auto_refresh=False, transient=False) as live:
            while True:
                now = server.client.study(study)
                live.update(picture(server.client, now, console.width), refresh=True)
                if has_ended(now):
                    return
                time.sleep(every)
    except KeyboardInterrupt:
        return


def has_ended(study: Study) -> bool:
    """Whether nothing runs and nothing more is handed out."""
    if study.trials.get("running"):
        return False
    if study.closed_at is not None:
        return True
    return study.max_trials is not None and not study.trials.get("waiting") and sum(study.trials.values()) >= study.max_trials


def picture(client: Client, study: Study, width: int) -> RenderableType:
    """What `watch` shows of a study at one moment."""
    running = client.trials_page(study.name, _MOST_RUNNING, state="running").trials if study.trials.get("running") else ()
    return Group(drawing(client.curve(study.name), width), _headline(study), *map(_running, running))


def drawing(curve: Curve, width: int) -> Text:
    """The best value so far, level up to the last completed trial, as a line of Braille dots; `width` in columns."""
    if not curve.improvements:
        return Text("no trial is completed yet")
    import plotext

    xs: list[float] = []
    ys: list[float] = []
    for one in curve.improvements:
        if ys:
            xs.append(one.evaluations)
            ys.append(ys[-1])
        xs.append(one.evaluations)
        ys.append(one.value)
    figure = plotext.figure
    figure.clear()
    figure.theme("colorless")
    figure.plot_size(max(20, min(width, 100)), _HEIGHT)
    figure.draw(figure.signal([*xs, curve.evaluations], [*ys, ys[-1]], marker="braille").lines())
    return Text.from_ansi(str(figure.build()), no_wrap=True)


def _look(server: Session, name: str) -> bool:
    study = server.client.study(name)
    server.show(study, tables.study_fields)
    return has_ended(study)


def _headline(study: Study) -> Text:
    total = sum(study.trials.values())
    of = "" if study.max_trials is None else f" of {study.max_trials}"
    best = "" if study.best_value is None else f"best {tables.cell(study.best_value)}   "
    return Text(f"{study.name}: {best}{total}{of} trials: {tables.counts(study) or 'none yet'}", style="bold")


def _running(trial: Trial) -> Text:
    return Text(f"  running {trial.number}: {tables.short(trial.architecture)}   {trial.worker or ''}")
