import contextlib
import logging
import threading
from collections.abc import Iterator

import httpx
import pytest
from svge_client import Client, LeaseLost, NothingToDo, Unreachable

from tests.client.wire import STUDY, TRIAL, FakeServer, answer, client_of, problem

RENEWED = answer({"renewed": [], "lost": [], "stop": []})
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
    assert client.trial("demo").heartbeat_seconds == period
