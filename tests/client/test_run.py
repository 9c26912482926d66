"""`Client.run`: what was trained is told until it is heard, and never trained again."""

import httpx
import pytest
from svge_client import Client, Invalid, NotFound, RunningTrial, Unreachable

from tests.client.test_running import COMPLETED, client, server
from tests.client.wire import TRIAL, Answer, FakeServer, answer, problem

__all__ = ["client", "server"]


def test_a_run_that_cannot_ask_for_a_trial_says_so_even_where_all_exceptions_are_caught(server: FakeServer, client: Client) -> None:
    server.on("/suggest", problem(404, "study_not_found"))
    with pytest.raises(NotFound):
        client.run("demo", lambda running: 0.5, catch=(Exception,))


def once(server: FakeServer) -> list[int]:
    """The study hands out one trial until its end has been taken; what is returned fills with the trainings."""
    server.on("/suggest", lambda body: answer({"trials": [] if ended_well(server) else [TRIAL]}))
    return []


def ended_well(server: FakeServer) -> bool:
    return len(server.answers["/observe"]) == 1 and server.answers["/observe"][0] is COMPLETED and bool(server.bodies("/observe"))


@pytest.mark.parametrize("own", [False, True], ids=["returned", "reported"])
def test_a_value_that_did_not_arrive_is_told_again_and_not_trained_again(own: bool, server: FakeServer, client: Client) -> None:
    trained = once(server)
    away = [httpx.ConnectError("refused")] * 9
    server.on("/observe", *away, problem(500, "internal_error"), problem(507, "storage_full"), COMPLETED)

    def train(running: RunningTrial) -> float | None:
        trained.append(running.number)
        if own:
            running.report(0.5)
        return None if own else 0.5

    done = client.run("demo", train, catch=(Exception,))
    assert [trial.value for trial in done] == [0.5]
    assert trained == [3]
    assert {body["value"] for body in server.bodies("/observe")} == {0.5}


@pytest.mark.parametrize("told", [httpx.ConnectError("refused"), problem(422, "invalid_request")], ids=["away", "refused"])
def test_a_run_ends_rather_than_train_again_what_it_cannot_tell(told: Answer, server: FakeServer, client: Client) -> None:
    trained = once(server)
    server.on("/observe", told)

    def train(running: RunningTrial) -> float:
        trained.append(running.number)
        return 0.5

    with pytest.raises((Unreachable, Invalid)):
        client.run("demo", train, catch=(Exception,), patience=0.01)
    assert trained == [3]


def test_a_failure_that_did_not_arrive_is_told_again_too(server: FakeServer, client: Client) -> None:
    trained = once(server)
    server.on("/observe", *[httpx.ConnectError("refused")] * 9, COMPLETED)

    def train(running: RunningTrial) -> float:
        trained.append(running.number)
        raise MemoryError("too large")

    client.run("demo", train, catch=(MemoryError,))
    assert trained == [3]
    assert {body["reason"] for body in server.bodies("/observe")} == {"MemoryError: too large"}
