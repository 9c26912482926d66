import random

import httpx
import pytest
from svge_client import Client, Conflict, Invalid, Retry, Unavailable, Unreachable
from svge_client._sync.transport import Transport
from svge_client.retry import ONCE

from tests.client.wire import Answer, FakeServer, answer, problem

REFUSED = httpx.ConnectError("refused")
SILENT = httpx.ReadTimeout("no answer")
CUT = httpx.RemoteProtocolError("cut")


def post(answers: list[Answer], repeat_safe: bool, retry: Retry | None = None) -> tuple[object, list[float], FakeServer]:
    server = FakeServer()
    server.on("/x", *answers)
    pauses: list[float] = []
    with httpx.Client(base_url="http://test", transport=server) as http:
        transport = Transport(http, retry or Retry(attempts=4), random.Random(0), sleep=pauses.append)
        try:
            return transport.post("/x", {"a": 1}, repeat_safe=repeat_safe), pauses, server
        except Exception as error:
            return error, pauses, server


@pytest.mark.parametrize(
    "failure", [REFUSED, SILENT, CUT, problem(502, "x"), problem(503, "x"), problem(504, "x"), problem(429, "x")]
)
def test_a_repeat_safe_request_survives_failures_on_the_way(failure: Answer) -> None:
    result, pauses, server = post([failure, failure, answer({"done": True})], repeat_safe=True)
    assert result == {"done": True}
    assert len(pauses) == 2
    assert server.bodies("/x") == [{"a": 1}] * 3


@pytest.mark.parametrize(("failure", "kind"), [(SILENT, Unreachable), (CUT, Unreachable), (problem(502, "x"), Unavailable)])
def test_a_request_that_may_have_been_done_is_not_repeated_unless_that_is_safe(failure: Answer, kind: type[Exception]) -> None:
    result, pauses, server = post([failure, answer({})], repeat_safe=False)
    assert isinstance(result, kind)
    assert (len(server.requests), pauses) == (1, [])


@pytest.mark.parametrize("failure", [REFUSED, problem(503, "x"), problem(429, "x")])
def test_a_request_that_was_certainly_not_done_is_always_repeated(failure: Answer) -> None:
    result, _, server = post([failure, answer({})], repeat_safe=False)
    assert result == {}
    assert len(server.requests) == 2


@pytest.mark.parametrize(("failure", "kind"), [(problem(409, "x"), Conflict), (problem(422, "x"), Invalid)])
def test_a_refusal_is_not_repeated(failure: Answer, kind: type[Exception]) -> None:
    result, _, server = post([failure, answer({})], repeat_safe=True)
    assert isinstance(result, kind)
    assert len(server.requests) == 1


def test_it_gives_up_after_the_last_attempt_without_another_pause() -> None:
    result, pauses, server = post([REFUSED], repeat_safe=True)
    assert isinstance(result, Unreachable)
    assert isinstance(result.__cause__, httpx.ConnectError)
    assert (len(server.requests), len(pauses)) == (4, 3)


def test_pauses_grow_with_jitter_up_to_the_longest() -> None:
    retry = Retry(attempts=8, first_pause=1.0, longest_pause=10.0)
    _, pauses, _ = post([REFUSED], repeat_safe=True, retry=retry)
    for pause, full in zip(pauses, [1, 2, 4, 8, 10, 10, 10], strict=True):
        assert full / 2 <= pause <= full
    assert len({pause / full for pause, full in zip(pauses, [1, 2, 4, 8, 10, 10, 10], strict=True)}) > 1


@pytest.mark.parametrize(("header", "pause"), [("3", 3.0), ("9999", 30.0)])
def test_the_server_says_how_long_to_wait(header: str, pause: float) -> None:
    busy = problem(503, "model_unavailable")
    busy.headers["Retry-After"] = header
    _, pauses, _ = post([busy, answer({})], repeat_safe=True)
    assert pauses == [pause]


@pytest.mark.parametrize("repeat_safe", [True, False])
def test_an_answer_that_is_not_the_service_s_is_no_answer(repeat_safe: bool) -> None:
    result, _, server = post([httpx.Response(200, text="<html>sign in</html>")], repeat_safe)
    assert isinstance(result, Unreachable)
    assert "POST /x" in str(result)
    assert "sign in" in str(result)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://me:secret@test", "http://***@test"),
        ("https://me:sec%40ret@test:1", "https://***@test:1"),
        ("http://me:sec/ret@test", "http://***@test"),
        ("me:secret@test", "***@test"),
        ("http://test:1", "http://test:1"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, shown: str) -> None:
    server = FakeServer()
    server.on("/version", REFUSED)
    with pytest.raises((Unreachable, ValueError)) as raised, Client(url, transport=server, retry=ONCE) as client:
        client.version()
    assert shown in str(raised.value)
    assert "sec" not in str(raised.value)


def test_an_answer_that_cannot_be_unpacked_is_no_answer() -> None:
    garbled = httpx.DecodingError("not gzip")
    result, _, server = post([garbled, garbled, answer({"done": True})], repeat_safe=True)
    assert result == {"done": True}
    assert len(server.requests) == 3
