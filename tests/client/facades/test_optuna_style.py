import math
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from svge_client import Client, Conflict, LeaseLost, NotFound, NothingToDo
from svge_client.optuna_style import Study, Trial, TrialPruned, TrialState, create_study, load_study
from svge_client.values import Architecture

from tests.client.facades.conftest import Line, heartbeats


def states(study: Study) -> list[tuple[str, float | None]]:
    return [(trial.state, trial.value) for trial in study.trials]


@pytest.fixture
def made(client: Client) -> Study:
    return create_study(client.worker, "nasbench101", storage=client, direction="maximize", max_trials=6)


def test_a_study_is_created_and_loaded_as_with_optuna(client: Client, url: str) -> None:
    study = create_study(client.worker, "nasbench101", storage=url)
    assert study.directions == {"value": "minimize"}
    with pytest.raises(Conflict):
        create_study(client.worker, "nasbench101", storage=url)
    assert create_study(client.worker, "nasbench101", storage=url, load_if_exists=True).study_name == client.worker
    assert load_study(client.worker, storage=client).trials == []
    with pytest.raises(NotFound):
        load_study("nowhere", storage=client)
    with pytest.raises(ValueError, match="no trial is completed"):
        _ = study.best_trial


def test_trials_that_are_asked_for_side_by_side_differ_and_are_told_in_any_order(made: Study) -> None:
    asked = [made.ask() for _ in range(3)]
    assert len({trial.number for trial in asked}) == 3
    assert all(isinstance(trial.architecture, Architecture) for trial in asked)
    assert heartbeats() == 3
    assert made.tell(asked[2], 0.75).value == 0.75
    assert made.tell(asked[0].number, 0.25).state == "completed"
    assert made.tell(asked[1], state="fail", reason="no memory").reason == "no memory"
    assert heartbeats() == 0
    assert made.best_value == 0.75
    assert made.best_trial.number == asked[2].number
    assert [trial.number for trial in made.best_trials] == [asked[2].number]
    for told in (asked[0], 99):
        with pytest.raises(ValueError, match="does not wait"):
            made.tell(told, 0.5)


def test_a_program_that_starts_again_gets_back_what_it_held(made: Study, client: Client) -> None:
    held = [made.ask() for _ in range(2)]
    again = load_study(client.worker, storage=client)
    assert {again.ask().number for _ in range(2)} == {trial.number for trial in held}
    for trial in held:
        made.tell(trial, 0.5)
        trial_of_again = again._asked[trial.number]
        again.tell(trial_of_again, 0.5)
    assert states(made) == [("completed", 0.5)] * 2
    assert heartbeats() == 0


def test_values_that_are_not_finite_and_no_values_are_failures(made: Study) -> None:
    for values in (math.nan, math.inf, None):
        assert made.tell(made.ask(), values).state == "failed"


def test_a_study_is_optimized_to_the_end_of_its_budget(made: Study) -> None:
    seen: list[int] = []

    def objective(trial: Trial) -> float:
        if trial.number == 2:
            raise MemoryError("too large")
        if trial.number == 3:
            raise TrialPruned
        return trial.number / 10

    made.optimize(objective, n_trials=4, catch=(MemoryError,), callbacks=[lambda study, trial: seen.append(trial.number)])
    assert seen == [1, 2, 3, 4]
    assert states(made) == [("completed", 0.1), ("failed", None), ("stopped", None), ("completed", 0.4)]
    made.optimize(objective)
    assert len(made.trials) == 6
    with pytest.raises(NothingToDo):
        made.ask()


def test_an_exception_fails_the_trial_and_ends_the_run_and_ctrl_c_gives_it_up(made: Study) -> None:
    def broken(trial: Trial) -> float:
        raise MemoryError("too large")

    def interrupted(trial: Trial) -> float:
        raise KeyboardInterrupt

    with pytest.raises(MemoryError):
        made.optimize(broken)
    with pytest.raises(KeyboardInterrupt):
        made.optimize(interrupted)
    assert states(made) == [("failed", None), ("running", None)]
    assert heartbeats() == 0


def test_jobs_run_side_by_side(made: Study) -> None:
    together = threading.Barrier(3, timeout=30)

    def objective(trial: Trial) -> float:
        if trial.number <= 3:
            together.wait()
        return 0.5

    made.optimize(objective, n_jobs=3)
    assert states(made) == [("completed", 0.5)] * 6


def test_it_stops_when_told_and_after_its_time(made: Study) -> None:
    made.optimize(lambda trial: 0.5, callbacks=[lambda study, trial: study.stop()])
    assert len(made.trials) == 1
    made.optimize(lambda trial: 0.5, timeout=0.0)
    assert len(made.trials) == 1


def test_hopeless_trials_are_pruned_by_the_study_s_rule(client: Client) -> None:
    rule = {"rule": "asha", "min_step": 1, "reduction_factor": 2, "max_step": 4}
    study = create_study(client.worker, "nasbench101", storage=client, direction="maximize", stopping=rule)
    pruned: list[int] = []

    def objective(trial: Trial) -> float:
        for step in range(4):
            trial.report(1 / trial.number, step)
            if trial.should_prune():
                pruned.append(step)
                raise TrialPruned
        return 1 / trial.number

    study.optimize(objective, n_trials=3)
    assert states(study) == [("completed", 1.0), ("stopped", 0.5), ("stopped", pytest.approx(1 / 3))]
    assert pruned == [0, 0]
    assert "not the best" in (study.trials[1].reason or "")
    assert [step.step for step in client.progress(study.trials[0])] == [1, 2, 3, 4]


def test_values_of_several_objectives_come_by_name_or_in_order(client: Client) -> None:
    goal = {"accuracy": "maximize", "seconds": "minimize", "parameters": "minimize"}
    study = create_study(client.worker, "nasbench101", storage=client, directions=goal)
    assert study.directions == goal
    assert study.tell(study.ask(), {"accuracy": 0.5, "seconds": 3.0}).values == {"accuracy": 0.5, "seconds": 3.0}
    assert study.tell(study.ask(), (0.75, 2.0)).values == {"accuracy": 0.75, "seconds": 2.0}
    with pytest.raises(ValueError, match="zip"):
        study.tell(trial := study.ask(), (0.75,))
    study.tell(trial, state=TrialState.FAIL)


def test_an_architecture_of_one_s_own_comes_next(made: Study) -> None:
    made.enqueue_trial(Architecture("nasbench101", ("input", "conv3x3", "output"), ((0, 1), (1, 2))))
    asked = made.ask()
    assert asked.architecture.nodes == ("input", "conv3x3", "output")
    assert made.tell(asked, 0.5).source == "enqueued"


def test_a_trial_that_somebody_else_finished_is_let_go(client: Client) -> None:
    study = create_study(client.worker, "nasbench101", storage=client, max_trials=1)
    client.reopen_study(client.worker)
    trial = study.ask()
    trial._running.abandon()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(client.fail, trial._running.trial, "somebody else").result()
    with pytest.raises((LeaseLost, Conflict)):
        study.tell(trial, 0.5)


def test_a_job_that_fails_ends_the_others_after_their_trials(made: Study) -> None:
    both = threading.Barrier(2, timeout=30)
    failed = threading.Event()

    def objective(trial: Trial) -> float:
        both.wait()
        if trial.number % 2:
            raise MemoryError("too large")
        assert failed.wait(30)
        return 0.5

    def watch(study: Study) -> None:
        assert study._stopped.wait(30)
        failed.set()

    watcher = threading.Thread(target=watch, args=[made])
    watcher.start()
    with pytest.raises(MemoryError):
        made.optimize(objective, n_jobs=2)
    watcher.join()
    assert sorted(state for state, _ in states(made)) == ["completed", "failed"]


def test_a_result_that_cannot_be_told_leaves_the_trial_to_somebody_else(made: Study) -> None:
    with pytest.raises(ValueError, match="zip"):
        made.optimize(lambda trial: (0.5, 0.75))
    assert states(made) == [("running", None)]
    assert heartbeats() == 0
    made.optimize(lambda trial: 0.5, n_trials=1)  # under the same name, so that it is the same trial
    assert states(made) == [("completed", 0.5)]


@pytest.mark.parametrize("values", [0.5, (0.5,)])
def test_a_result_outlives_an_hour_without_the_server(values: Any, client: Client, remote: Client, line: Line) -> None:
    study = create_study(client.worker, "nasbench101", storage=remote, direction="maximize")

    def objective(trial: Trial) -> Any:
        line.is_cut = True
        threading.Timer(0.05, setattr, (line, "is_cut", False)).start()
        return values

    study.optimize(objective, n_trials=1)
    assert states(study) == [("completed", 0.5)]
