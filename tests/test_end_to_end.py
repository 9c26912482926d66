"""The newcomer's path with nothing replaced: the served program, the shipped checkpoint, trainers that are processes."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from svge_client import Client

from benchmarks.served import ROOT, served


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with served(tmp_path, device="cpu") as server:
        yield server.url


def trainers(url: str, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "examples/train_digits.py", "--url", url, *options]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_three_trainers_spend_a_budget_on_distinct_architectures(url: str) -> None:
    with Client(url) as client:
        client.create_study("digits", "nasbench101", max_trials=9, initial_size=5)
    with trainers(url, "--trainers", "3", "--trials", "9") as example:
        output, _ = example.communicate(timeout=200)
    assert example.returncode == 0, output
    with Client(url) as client:
        trials = list(client.trials("digits"))
        best = client.best("digits")[0]
    assert [trial.state for trial in trials] == ["completed"] * 9
    assert len({trial.canonical_id for trial in trials}) == 9
    assert {"initial", "acquisition"} <= {trial.source for trial in trials}
    assert best.value == max(trial.value for trial in trials)
    assert f"{best.value:.4f}" in output


def test_the_architecture_of_a_killed_trainer_is_finished_by_another(url: str) -> None:
    with Client(url, worker="doomed") as client:
        client.create_study("digits", "nasbench101", max_trials=3, lease_seconds=3)
        lost = client.suggest("digits").trials[0]
    with trainers(url, "--trainers", "1", "--trials", "3") as example:
        output, _ = example.communicate(timeout=200)
    assert example.returncode == 0, output
    with Client(url) as client:
        finished = {trial.id: trial for trial in client.trials("digits")}
    assert finished[lost.id].state == "completed"
    assert finished[lost.id].attempt == 2
    assert finished[lost.id].canonical_id == lost.canonical_id


def test_a_killed_server_forgets_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    with served(tmp_path, device="cpu") as server, Client(server.url) as client:
        client.create_study("kept", "nasbench101", seed=1)
        first, second = client.suggest("kept", count=2).trials
        client.observe(first, 0.5)
        server.process.kill()
    with served(tmp_path, device="cpu") as server, Client(server.url) as client:
        states = {trial.id: (trial.state, trial.value) for trial in client.trials("kept")}
    assert states == {first.id: ("completed", 0.5), second.id: ("running", None)}
