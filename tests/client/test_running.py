import contextlib
import logging
import math
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import numpy
import pytest
from svge_client import (
    Client,
    LeaseLost,
    NothingToDo,
    TrialDiverged,
    TrialStopped,
    Unreachable,
)

from tests.client.wire import STUDY, TRIAL, FakeServer, answer, client_of, problem

RENEWED = answer({"renewed": [], "lost": [], "stop": []})
LIVE = {"renewed": [{"trial": "t-1", "attempt": 2, "lease_expires_at": None}], "lost": [], "dropped": []}
GO_ON = answer({**LIVE, "stop": []})
ADVICE = answer({**LIVE, "stop": [{"trial": "t-1", "reason": "step 3: 0.5 is below the median 0.7 of 5 trials"}]})
COMPLETED = answer({"trial": {**TRIAL, "state": "completed", "value": 0.5}})


@pytest.fixture
def server() -> FakeServer:
    server = FakeServer()
    server.on("/studies/demo", answer(STUDY))
    server.on("/suggest", answer({"trials": [TRIAL]}))
    server.on("/heartbeat", RENEWED)
    server.on("/observe", COMPLETED)
    return server


@pytest.fixture
def client(server: FakeServer) -> Iterator[Client]:
    with client_of(server) as client:
        yield client


def heartbeat_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("svge-heartbeat")]


def test_the_lease_is_renewed_while_the_body_runs_and_no_longer(server: FakeServer, client: Client) -> None:
    with client.trial("demo", heartbeat_seconds=0.02) as trial:
        assert trial.number == 3
        server.wait_for("/heartbeat", times=2)
        assert trial.report(0.5, std=0.1).value == 0.5
    assert heartbeat_threads() == []
    assert server.bodies("/heartbeat")[0] == {"worker": "w", "trials": ["t-1"]}
    assert server.bodies("/observe") == [{"trial": "t-1", "attempt": 2, "value": 0.5, "status": "completed", "std": 0.1}]


def test_an_exception_of_the_body_is_reported_and_goes_on(server: FakeServer, client: Client) -> None:
    with pytest.raises(MemoryError, match="too large"), client.trial("demo", heartbeat_seconds=0.02):
        raise MemoryError("too large")
    assert [(body["status"], body["reason"]) for body in server.bodies("/observe")] == [("failed", "MemoryError: too large")]
    assert heartbeat_threads() == []


def test_the_body_s_exception_goes_on_even_if_it_cannot_be_reported(server: FakeServer, client: Client) -> None:
    server.on("/observe", httpx.ConnectError("refused"))
    with pytest.raises(MemoryError), client.trial("demo", heartbeat_seconds=0.02):
        raise MemoryError


def test_a_body_that_reports_nothing_is_a_mistake(server: FakeServer, client: Client) -> None:
    with pytest.raises(RuntimeError, match="without a report"), client.trial("demo", heartbeat_seconds=0.02):
        pass
    assert [body["status"] for body in server.bodies("/observe")] == ["failed"]


def test_a_result_that_cannot_be_delivered_is_not_turned_into_a_failure(server: FakeServer, client: Client) -> None:
    server.on("/observe", httpx.ConnectError("refused"))
    with pytest.raises(Unreachable), client.trial("demo", heartbeat_seconds=0.02) as trial:
        trial.report(0.5)
    assert {body["status"] for body in server.bodies("/observe")} == {"completed"}


def test_what_goes_wrong_after_a_value_was_found_is_no_failure_of_the_architecture(server: FakeServer, client: Client) -> None:
    metrics = {"name of the run": "no number"}
    with pytest.raises(ValueError, match="no number"), client.trial("demo", heartbeat_seconds=0.02) as trial:
        trial.report(0.5, metrics=metrics)  # type: ignore[arg-type]
    assert server.bodies("/observe") == []
    with pytest.raises(RuntimeError, match="without a report"), client.trial("demo", heartbeat_seconds=0.02) as trial:
        with contextlib.suppress(ValueError):
            trial.report(0.5, metrics=metrics)  # type: ignore[arg-type]
    assert server.bodies("/observe") == []


def test_a_value_that_is_not_finite_is_a_failure(server: FakeServer, client: Client) -> None:
    with pytest.raises(ValueError, match="finite"), client.trial("demo", heartbeat_seconds=0.02) as trial:
        trial.report(float("nan"))
    assert [body["status"] for body in server.bodies("/observe")] == ["failed"]


def test_ctrl_c_leaves_the_trial_to_somebody_else(server: FakeServer, client: Client) -> None:
    with pytest.raises(KeyboardInterrupt), client.trial("demo", heartbeat_seconds=0.02):
        raise KeyboardInterrupt
    assert server.bodies("/observe") == []
    assert heartbeat_threads() == []


def test_a_lost_lease_is_seen_in_the_body_and_again_in_the_report(server: FakeServer, client: Client) -> None:
    server.on(
        "/heartbeat",
        answer({"renewed": [], "lost": [{"trial": "t-1", "reason": "held by w-2"}], "stop": [{"trial": "t-1", "reason": "done"}]}),
    )
    server.on("/observe", problem(409, "lease_lost"))
    with client.trial("demo", heartbeat_seconds=0.02) as trial:
        server.wait_for("/heartbeat", times=2)
        assert trial.lost
        assert trial.should_stop
        with pytest.raises(LeaseLost):
            trial.report(0.5)
    assert len(server.bodies("/observe")) == 1


def test_failed_heartbeats_do_not_disturb_the_training(
    server: FakeServer, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    server.on("/heartbeat", httpx.ConnectError("refused"), problem(500, "internal_error"), RENEWED)
    with caplog.at_level(logging.WARNING), client.trial("demo", heartbeat_seconds=0.02) as trial:
        server.wait_for("/heartbeat", times=3)
        assert not trial.lost
        trial.report(0.5)
    assert len([record for record in caplog.records if record.name == "svge_client"]) == 2


def test_nothing_to_do_comes_with_the_reason(server: FakeServer, client: Client) -> None:
    server.on("/suggest", answer({"trials": [], "reason": "all 40 trials are finished"}))
    with pytest.raises(NothingToDo, match="all 40 trials"), client.trial("demo", heartbeat_seconds=0.02):
        pytest.fail("the body must not run")


@pytest.mark.parametrize(("lease", "period"), [(20, 5.0), (900, 60.0), (0, 60.0)])
def test_heartbeats_follow_the_lease(lease: int, period: float, server: FakeServer, client: Client) -> None:
    server.on("/studies/demo", answer({**STUDY, "lease_seconds": lease}))
    with client.trial("demo") as trial:
        assert trial.heartbeat_seconds == period
        trial.report(0.5)


RARELY = 3600.0


def reported(server: FakeServer) -> list[list[tuple[int, float]]]:
    """The steps and values of each heartbeat."""
    return [[(each["step"], each["value"]) for each in body.get("progress", [])] for body in server.bodies("/heartbeat")]


def ended(server: FakeServer) -> list[dict[str, Any]]:
    """What was observed, without the trial and its attempt."""
    return [{name: body[name] for name in body if name not in ("trial", "attempt")} for body in server.bodies("/observe")]


def test_progress_is_told_at_once_and_the_end_with_its_step(server: FakeServer, client: Client) -> None:
    server.on("/heartbeat", GO_ON)
    with client.trial("demo", heartbeat_seconds=RARELY) as trial:
        for epoch in numpy.arange(1, 3):
            trial.progress(epoch, numpy.float32(epoch / 4))
        trial.report(0.5, step=2)
    entry = {"trial": "t-1", "attempt": 2, "step": 1, "value": 0.25}
    assert server.bodies("/heartbeat")[0] == {"worker": "w", "trials": ["t-1"], "progress": [entry]}
    assert reported(server) == [[(1, 0.25)], [(2, 0.5)]]
    assert ended(server) == [{"status": "completed", "value": 0.5, "step": 2}]


def test_a_trial_that_should_stop_ends_its_body_and_the_program_goes_on(server: FakeServer, client: Client) -> None:
    server.on("/heartbeat", GO_ON, GO_ON, ADVICE)
    with client.trial("demo", heartbeat_seconds=RARELY) as trial:
        for epoch in range(1, 10):
            trial.progress(epoch, 0.5)
        pytest.fail("the training was to end at the third epoch")
    assert trial.should_stop
    reason = "step 3: 0.5 is below the median 0.7 of 5 trials"
    assert ended(server) == [{"status": "stopped", "reason": reason, "value": 0.5, "step": 3}]
    assert heartbeat_threads() == []


def test_the_trainer_decides(server: FakeServer, client: Client) -> None:
    server.on("/heartbeat", ADVICE, GO_ON)
    with client.trial("demo", heartbeat_seconds=RARELY) as trial:
        with pytest.raises(TrialStopped, match="below the median"):
            trial.progress(1, 0.5)
        trial.progress(2, 0.6)  # one piece of advice is raised once
        trial.report(0.7)
    with client.trial("demo", heartbeat_seconds=RARELY) as trial:
        trial.progress(1, 0.25)
        raise TrialStopped("no time left")
    with client.trial("demo", heartbeat_seconds=RARELY) as trial:
        trial.stop("before anything was measured")
    assert ended(server) == [
        {"status": "completed", "value": 0.7},
        {"status": "stopped", "reason": "no time left", "value": 0.25, "step": 1},
        {"status": "stopped", "reason": "before anything was measured"},
    ]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_training_that_diverges_has_failed_and_the_program_goes_on(value: float, server: FakeServer, client: Client) -> None:
    server.on("/heartbeat", GO_ON)
    with client.trial("demo", heartbeat_seconds=RARELY) as trial:
        trial.progress(1, 0.5)
        trial.progress(2, value)
    assert ended(server) == [{"status": "failed", "reason": f"the training diverged: the value after step 2 is {value}"}]
    assert reported(server) == [[(1, 0.5)]]
    assert issubclass(TrialDiverged, TrialStopped)


def test_steps_count_from_one(server: FakeServer, client: Client) -> None:
    with pytest.raises(ValueError, match="count from 1"), client.trial("demo", heartbeat_seconds=RARELY) as trial:
        trial.progress(0, 0.5)


def test_values_that_did_not_arrive_come_with_the_next_heartbeat_in_their_order(
    server: FakeServer, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    server.on("/heartbeat", httpx.ConnectError("refused"), problem(503, "database_unavailable"), GO_ON)
    with client.trial("demo", heartbeat_seconds=RARELY) as trial:
        for epoch in (1, 2, 3, 4):
            trial.progress(epoch, epoch / 10)
        trial.report(0.5)
    assert reported(server) == [[(1, 0.1)], [(1, 0.1), (2, 0.2)], [(1, 0.1), (2, 0.2), (3, 0.3)], [(4, 0.4)]]
    assert len(caplog.records) == 2
    server.requests.clear()
    server.on("/heartbeat", httpx.ConnectError("refused"), GO_ON)
    with client.trial("demo", heartbeat_seconds=RARELY) as trial:
        trial.progress(1, 0.1)
        trial.report(0.5)
    assert reported(server) == [[(1, 0.1)], [(1, 0.1)]]


def test_advice_that_the_background_thread_got_is_raised_by_the_next_progress(server: FakeServer, client: Client) -> None:
    server.on("/heartbeat", httpx.ConnectError("refused"), ADVICE, GO_ON)
    with client.trial("demo", heartbeat_seconds=0.02) as trial:
        trial.progress(3, 0.5)
        server.wait_for("/heartbeat", times=3)
        trial.progress(4, 0.5)
        pytest.fail("the training was to end")
    assert [body["status"] for body in ended(server)] == ["stopped"]


def test_values_that_are_refused_do_not_cost_the_lease(
    server: FakeServer, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    server.on("/heartbeat", problem(422, "invalid_request"), GO_ON)
    with client.trial("demo", heartbeat_seconds=0.02) as trial:
        trial.progress(1, 0.5)
        server.wait_for("/heartbeat", times=2)
        trial.report(0.5)
    assert reported(server)[:2] == [[(1, 0.5)], []]


def test_what_was_not_stored_is_in_the_log(server: FakeServer, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    dropped = [{"trial": "t-1", "attempt": 2, "step": 1, "reason": "step 1 has the value 0.25 already, 0.5 came; it stays"}]
    server.on("/heartbeat", answer({**LIVE, "stop": [], "dropped": dropped}))
    with client.trial("demo", heartbeat_seconds=RARELY) as trial:
        trial.progress(1, 0.5)
        trial.report(0.5)
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        "the value of trial t-1 after step 1 was not stored: step 1 has the value 0.25 already, 0.5 came; it stays"
    ]


def test_a_trial_that_somebody_else_finished_is_a_lost_lease(server: FakeServer, client: Client) -> None:
    done = [{"trial": "t-1", "reason": "the trial is completed already; no result is needed"}]
    server.on("/heartbeat", answer({"renewed": [], "lost": [], "stop": done, "dropped": []}))
    server.on("/observe", problem(409, "lease_lost"))
    with pytest.raises(LeaseLost), client.trial("demo", heartbeat_seconds=RARELY) as trial:
        trial.progress(1, 0.5)
    assert [body["status"] for body in ended(server)] == ["stopped"]


def test_a_stop_that_cannot_be_delivered_is_an_error(server: FakeServer, client: Client) -> None:
    server.on("/heartbeat", ADVICE)
    server.on("/observe", httpx.ConnectError("refused"))
    with pytest.raises(Unreachable), client.trial("demo", heartbeat_seconds=RARELY) as trial:
        trial.progress(1, 0.5)


def test_heartbeats_outlive_answers_that_are_not_the_service_s(
    server: FakeServer, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    server.on("/heartbeat", httpx.Response(200, text="<html>"), answer({"another": "service"}), RENEWED)
    with caplog.at_level(logging.WARNING), client.trial("demo", heartbeat_seconds=0.02) as trial:
        server.wait_for("/heartbeat", times=4)
        trial.report(0.5)
    assert len([record for record in caplog.records if record.name == "svge_client"]) == 2


def test_a_lost_lease_is_in_the_log_once(server: FakeServer, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    server.on("/heartbeat", answer({"renewed": [], "lost": [{"trial": "t-1", "reason": "held by w-2"}], "stop": []}))
    with caplog.at_level(logging.WARNING), client.trial("demo", heartbeat_seconds=0.02) as trial:
        server.wait_for("/heartbeat", times=3)
        trial.report(0.5)
    assert [record.getMessage() for record in caplog.records] == ["the lease of trial t-1 is lost: held by w-2"]
