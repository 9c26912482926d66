"""`svge study watch`: what it draws of a study, and when it ends."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from svge_client import Client, Curve, Improvement, Study
from typer.testing import CliRunner, Result

from service.cli import app
from service.commands.watch import drawing, has_ended
from tests.client.live import serving
from tests.client.wire import STUDY


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("service")) as url:
        yield url


def watch(url: str, study: str, *options: str) -> Result:
    return CliRunner().invoke(app, ["study", "watch", study, "--url", url, "--every", "0.1", *options], env={"COLUMNS": "90"})


def curve(*steps: tuple[int, float], evaluations: int) -> Curve:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Curve(tuple(Improvement("t", number, number, value, now) for number, value in steps), evaluations)


def heights(drawn: str) -> list[int]:
    """For each column of the drawing the row of its topmost dot, from below."""
    lines = [line.partition("┤")[2] or line.partition("│")[2] for line in drawn.splitlines()[1:-2]]
    width = max(map(len, lines))
    padded = [line.ljust(width) for line in lines]
    columns = [[row for row, line in enumerate(reversed(padded)) if "⠀" < line[column] <= "⣿"] for column in range(width)]
    return [max(rows) for rows in columns if rows]


def test_the_curve_rises_with_each_improvement_and_stays_level_to_the_end() -> None:
    drawn = drawing(curve((1, 0.2), (10, 0.6), (20, 0.9), evaluations=40), 80).plain
    found = heights(drawn)
    assert found == sorted(found)
    assert len(set(found)) == 3
    assert found.count(found[-1]) > found.count(found[0])
    assert "0.90" in drawn
    falling = heights(drawing(curve((1, 0.9), (10, 0.2), evaluations=20), 80).plain)
    assert falling[0] > falling[-1]
    assert max(map(len, drawing(curve((1, 0.5), evaluations=1), 40).plain.splitlines())) <= 40
    assert "no trial is completed" in drawing(curve(evaluations=0), 80).plain


@pytest.mark.parametrize(
    ("trials", "closed", "budget", "ended"),
    [
        ({"running": 1, "completed": 3}, True, 4, False),
        ({"running": 0, "completed": 3}, True, None, True),
        ({"running": 0, "waiting": 1, "completed": 3}, False, 4, False),
        ({"running": 0, "completed": 3, "failed": 1}, False, 4, True),
        ({"running": 0, "completed": 3}, False, 4, False),
        ({"running": 0, "completed": 3}, False, None, False),
    ],
)
def test_a_study_has_ended_when_nothing_runs_and_nothing_comes(
    trials: dict[str, int], closed: bool, budget: int | None, ended: bool
) -> None:
    closed_at = "2026-01-01T00:00:00Z" if closed else None
    assert has_ended(Study.from_json({**STUDY, "trials": trials, "closed_at": closed_at, "max_trials": budget})) is ended


def test_it_follows_a_study_to_its_end(url: str) -> None:
    def train() -> None:
        with Client(url) as client:
            for value in (0.25, 0.5, 0.75):
                with client.trial("followed") as trial:
                    time.sleep(0.2)
                    trial.report(value)

    with Client(url) as client:
        client.create_study("followed", "nasbench101", max_trials=3)
    trainer = threading.Thread(target=train)
    trainer.start()
    looks = watch(url, "followed", "--json")
    trainer.join()
    assert looks.exit_code == 0, looks.output
    completed = [json.loads(line)["trials"]["completed"] for line in looks.stdout.splitlines()]
    assert completed == sorted(completed)
    assert (completed[0] < 3, completed[-1]) == (True, 3)
    shown = watch(url, "followed")
    assert "followed: best 0.75   3 of 3 trials: 3 completed" in shown.stdout
    assert "0.75┤" in shown.stdout


def test_ctrl_c_ends_it_and_running_trials_are_named(url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with Client(url, worker="gpu-7") as client:
        client.create_study("endless", "nasbench101")
        (trial,) = client.suggest("endless").trials

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("service.commands.watch.time.sleep", interrupted)
    shown = watch(url, "endless")
    assert shown.exit_code == 0
    assert f"running {trial.number}: {' '.join(trial.architecture.nodes[1:-1])}   gpu-7" in shown.stdout
    assert watch(url, "nowhere").exit_code == 2
