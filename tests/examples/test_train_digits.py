import multiprocessing
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import train_digits
from digits import train_and_validate
from svge_client import Client

from tests.client.live import serving


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with serving(tmp_path) as url, Client(url) as client:
        yield client


def test_a_trainer_spends_the_budget_and_reports_what_it_measured(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    client.create_study("digits", "nasbench101", max_trials=2)
    train_digits.run_trainer(client, "digits", seed=3, name="trainer-1", epochs=1)
    trials = list(client.trials("digits"))
    assert [trial.state for trial in trials] == ["completed", "completed"]
    for trial in trials:
        assert trial.value == train_and_validate(train_digits.as_architecture(trial.architecture), seed=3, epochs=1)
    best = max(trial.value for trial in trials if trial.value is not None)
    assert f"best so far {best:.4f}" in capsys.readouterr().out.splitlines()[-1]
    train_digits.summarise(client, "digits")
    assert f"best validation accuracy {best:.4f}" in capsys.readouterr().out


def test_a_trainer_waits_for_the_trial_of_a_dead_one_and_finishes_it(client: Client) -> None:
    client.create_study("digits", "nasbench101", max_trials=2, lease_seconds=1)
    with Client(client.base_url) as dead:
        (abandoned,) = dead.suggest("digits").trials
    train_digits.run_trainer(client, "digits", seed=0, name="trainer-1", epochs=1)
    trials = {trial.id: trial for trial in client.trials("digits")}
    assert len(trials) == 2
    assert (trials[abandoned.id].state, trials[abandoned.id].attempt) == ("completed", 2)


@pytest.mark.parametrize("survivors", [0, 1])
def test_a_killed_trainer_is_noticed_and_the_others_go_on(survivors: int, capsys: pytest.CaptureFixture[str]) -> None:
    context = multiprocessing.get_context("spawn")
    trainers = {"trainer-1": context.Process(target=signal.raise_signal, args=(signal.SIGKILL,))}
    trainers |= {f"survivor-{number}": context.Process(target=time.sleep, args=(0,)) for number in range(survivors)}
    for trainer in trainers.values():
        trainer.start()
    assert train_digits.watch(dict(trainers)) is bool(survivors)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"trainer-1 (process {trainers['trainer-1'].pid}) was killed by SIGKILL")
