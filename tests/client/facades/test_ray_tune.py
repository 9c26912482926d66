"""The searcher in the hands of Ray Tune's own generator of trials, which is what `Tuner.fit` gives it to."""

import pickle
import threading
from pathlib import Path
from typing import Any

import pytest
from svge_client import Client, NotFound, Unreachable

from tests.client.facades.conftest import Line
from tests.client.facades.optional import needed

tune = needed("ray.tune", "ray")

from ray.tune.experiment import Experiment  # noqa: E402
from ray.tune.experiment import Trial as TuneTrial  # noqa: E402
from ray.tune.search import ConcurrencyLimiter, SearchGenerator  # noqa: E402
from svge_client import ray_tune  # noqa: E402
from svge_client.ray_tune import SvgeSearch  # noqa: E402


def objective(config: dict[str, Any]) -> None:
    for epoch in range(1, 4):
        tune.report({"accuracy": epoch / 10})


def generator(search: SvgeSearch, samples: int = 10, mode: str = "max", **space: Any) -> SearchGenerator:
    """As `Tuner.fit` makes it."""
    made = SearchGenerator(ConcurrencyLimiter(search, max_concurrent=4))
    made.set_search_properties("accuracy", mode, space)
    made.add_configurations([Experiment("e", objective, num_samples=samples, config=space)])
    return made


def result(step: int, accuracy: float, **more: Any) -> dict[str, Any]:
    return {"training_iteration": step, "accuracy": accuracy, **more}


def next_trial(made: SearchGenerator) -> TuneTrial:
    trial = made.next_trial()
    assert isinstance(trial, TuneTrial)
    return trial


def test_tune_trains_what_the_study_proposes(client: Client, study: str) -> None:
    made = generator(SvgeSearch(study, client), epochs=3)
    first, second = next_trial(made), next_trial(made)
    assert first.config["epochs"] == 3
    proposed = {trial.id: trial for trial in client.trials(study)}
    for trial in (first, second):
        assert proposed[trial.config["svge_trial"]].architecture.to_json() == trial.config["architecture"]
    made.on_trial_result(first.trial_id, result(1, 0.25))
    made.on_trial_result(first.trial_id, result(2, 0.5))
    made.on_trial_complete(first.trial_id, result(2, 0.5, done=True))
    made.on_trial_complete(second.trial_id, error=True)
    done, failed = client.trials(study)
    assert [(trial.state, trial.value) for trial in (done, failed)] == [("completed", 0.5), ("failed", None)]
    assert [(step.step, step.value) for step in client.progress(done)] == [(1, 0.25), (2, 0.5)]


def test_the_study_s_rule_and_tune_s_scheduler_end_trials(client: Client, study: str) -> None:
    search = SvgeSearch(study, client)
    made, stop = generator(search), search.stopper()
    good, bad, halved = (next_trial(made) for _ in range(3))
    assert [stop(good.trial_id, result(step, step / 4)) for step in (1, 2, 3, 4)] == [False] * 4
    made.on_trial_complete(good.trial_id, result(4, 1.0, done=True))
    assert [stop(bad.trial_id, result(step, 0.1)) for step in (1, 2)] == [False, True]
    made.on_trial_complete(bad.trial_id, result(2, 0.1, done=True))
    made.on_trial_result(halved.trial_id, result(1, 0.2))
    made.on_trial_complete(halved.trial_id, result(1, 0.2))
    assert [(trial.state, trial.value) for trial in client.trials(study)] == [
        ("completed", 1.0),
        ("stopped", 0.1),
        ("stopped", 0.2),
    ]
    assert not stop.stop_all()


def test_the_budget_of_the_study_ends_the_search(client: Client, study: str) -> None:
    search = SvgeSearch(study, client)
    made = SearchGenerator(search)
    made.set_search_properties("accuracy", "max", {})
    made.add_configurations([Experiment("e", objective, num_samples=10)])
    trials = [next_trial(made) for _ in range(6)]
    assert made.next_trial() is None
    assert made.is_finished()
    for trial in trials:
        made.on_trial_complete(trial.trial_id, result(1, 0.5, done=True))
    assert {trial.state for trial in client.trials(study)} == {"completed"}


def test_a_restored_experiment_goes_on_with_its_trials(client: Client, study: str, tmp_path: Path) -> None:
    search = SvgeSearch(study, client)
    made = generator(search, epochs=3)
    held, other = next_trial(made), next_trial(made)
    made.on_trial_result(held.trial_id, result(1, 0.25))
    search.save(str(tmp_path / "state.pkl"))
    for running in search._running.values():
        running.abandon()
    again = SvgeSearch("nothing", client)
    again.restore(str(tmp_path / "state.pkl"))
    again.on_trial_result(held.trial_id, result(1, 0.25))
    again.on_trial_complete(held.trial_id, result(2, 0.5, done=True))
    third = again.suggest("third")
    assert isinstance(third, dict)
    assert third["epochs"] == 3
    assert third["svge_trial"] not in (held.config["svge_trial"], other.config["svge_trial"])
    for name in (other.trial_id, "third"):
        again.on_trial_complete(name, result(1, 0.5, done=True))
    assert [trial.value for trial in client.trials(study)] == [0.5] * 3


def test_values_that_are_not_there_or_not_finite_are_failures(client: Client, study: str) -> None:
    made = generator(SvgeSearch(study, client))
    for last in ({"loss": 1.0, "done": True}, result(1, float("nan"), done=True), None):
        made.on_trial_complete(next_trial(made).trial_id, last)
    assert [trial.state for trial in client.trials(study)] == ["failed"] * 3


def test_several_objectives_are_told_by_name(client: Client) -> None:
    client.create_study(client.worker, "nasbench101", objectives={"accuracy": "maximize", "seconds": "minimize"})
    search = SvgeSearch(client.worker, client, metric=["accuracy", "seconds"], mode=["max", "min"])
    search.set_search_properties(None, None, {})
    search.suggest("a")
    search.on_trial_complete("a", result(3, 0.5, seconds=2.0, done=True))
    assert client.best(client.worker)[0].values == {"accuracy": 0.5, "seconds": 2.0}


def test_what_does_not_fit_is_refused(client: Client, study: str) -> None:
    with pytest.raises(ValueError, match="give 'lr' of param_space a constant value"):
        generator(SvgeSearch(study, client), lr=tune.uniform(0, 1))
    with pytest.raises(ValueError, match="is to maximize, but Tune's mode is 'min'"):
        generator(SvgeSearch(study, client), mode="min")


def test_a_search_and_a_stopper_that_were_stored_apart_find_each_other(client: Client, study: str, tmp_path: Path) -> None:
    search = SvgeSearch(study, client)
    made = generator(search)
    good, bad = next_trial(made), next_trial(made)
    search.save(str(tmp_path / "state.pkl"))
    stored = pickle.dumps(search.stopper()), pickle.dumps(search)
    for running in search._running.values():
        running.abandon()
    stop, again = pickle.loads(stored[0]), pickle.loads(stored[1])
    again.restore(str(tmp_path / "state.pkl"))
    assert [stop(good.trial_id, result(step, 0.9)) for step in (1, 2)] == [False, False]
    assert [stop(bad.trial_id, result(step, 0.1)) for step in (1, 2)] == [False, True]
    for trial in (good, bad):
        again.on_trial_complete(trial.trial_id, result(2, 0.1, done=True))
    assert [trial.state for trial in client.trials(study)] == ["completed", "stopped"]


def test_a_trial_that_could_not_be_asked_for_holds_no_name(client: Client) -> None:
    search = SvgeSearch("nowhere", client)
    with pytest.raises(NotFound):
        search.suggest("first")
    assert search._slots.take() == f"{client.worker}/1"


def test_what_ended_while_the_server_was_away_is_told_with_the_next_call(
    client: Client, remote: Client, line: Line, study: str, caplog: pytest.LogCaptureFixture
) -> None:
    made = generator(SvgeSearch(study, remote))
    first, second, third = (next_trial(made) for _ in range(3))
    line.is_cut = True
    made.on_trial_result(first.trial_id, result(1, 0.25))
    made.on_trial_complete(first.trial_id, result(2, 0.5, done=True))
    made.on_trial_complete(second.trial_id, error=True)
    assert made.next_trial() is None
    assert not made.is_finished()
    assert "report" in caplog.text
    assert "0.5" in caplog.text
    assert [trial.state for trial in client.trials(study)] == ["running"] * 3
    line.is_cut = False
    made.on_trial_result(third.trial_id, result(1, 0.75))
    assert [(trial.state, trial.value) for trial in client.trials(study)] == [
        ("completed", 0.5),
        ("failed", None),
        ("running", None),
    ]
    assert [(step.step, step.value) for step in client.progress(next(iter(client.trials(study))))] == [(1, 0.25)]
    made.on_trial_complete(third.trial_id, result(2, 0.75, done=True))
    assert isinstance(made.next_trial(), TuneTrial)
    for trial_id in list(made.searcher.searcher._running):
        made.on_trial_complete(trial_id, error=True)


def test_what_could_not_be_told_before_the_end_is_delivered_or_restored(
    client: Client, remote: Client, line: Line, study: str, tmp_path: Path
) -> None:
    search = SvgeSearch(study, remote)
    made = generator(search)
    first, second = next_trial(made), next_trial(made)
    line.is_cut = True
    for trial, value in ((first, 0.25), (second, 0.5)):
        made.on_trial_complete(trial.trial_id, result(2, value, done=True))
    search.save(str(tmp_path / "state.pkl"))
    again = SvgeSearch("nothing", client)
    again.restore(str(tmp_path / "state.pkl"))
    ray_tune._deliver_the_rest()  # as at exit
    assert again._running == {}
    assert [(trial.state, trial.value) for trial in client.trials(study)] == [("completed", 0.25), ("completed", 0.5)]
    cut = threading.Timer(0.05, setattr, (line, "is_cut", False))
    cut.start()
    search.deliver(patience=30.0)
    cut.join()
    assert search._running == {}
    assert not ray_tune._UNDELIVERED


def test_a_search_that_cannot_begin_says_so(remote: Client, line: Line, study: str) -> None:
    line.is_cut = True
    with pytest.raises(Unreachable):
        SvgeSearch(study, remote).suggest("first")


def test_trainings_outlive_a_study_that_is_deleted(client: Client, study: str, caplog: pytest.LogCaptureFixture) -> None:
    made = generator(SvgeSearch(study, client))
    trial = next_trial(made)
    client.delete_study(study)
    assert made.next_trial() is None
    assert made.is_finished()
    made.on_trial_complete(trial.trial_id, result(2, 0.5, done=True))
    assert "was not taken" in caplog.text
