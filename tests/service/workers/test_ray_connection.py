"""How long a connection is held whose replicas do not answer. What needs a cluster is in `tests/service/test_on_ray.py`."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.ray import needs_ray


class Handle:
    """A deployment that answers so many pings and then no more."""

    def __init__(self, answers: int) -> None:
        self.answers = answers
        self.pings = 0
        self.ping = self

    def remote(self) -> "Handle":
        self.pings += 1
        return self

    def result(self, timeout_s: float) -> int:
        if self.pings > self.answers:
            raise TimeoutError(f"no answer within {timeout_s} s")
        return 1

    def cancel(self) -> None: ...


@pytest.fixture
def pings(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], int]:
    """How often a session is asked in all before another one takes its place, by how often it answers."""
    needs_ray()
    from service.workers import ray_connection

    @contextmanager
    def connected(_address: str) -> Iterator[None]:
        yield

    def count(answers: int) -> int:
        handles: list[Handle] = []

        def open_handle(_name: str) -> Any:
            handles.append(Handle(answers))
            return handles[-1]

        monkeypatch.setattr(ray_connection, "_initialised", open_handle)
        connection = ray_connection.Connection("ray://nowhere:10001")
        deadline = time.monotonic() + 30.0
        while len(handles) < 4 and time.monotonic() < deadline:
            time.sleep(0.001)
        connection.close()
        coder, _, *later = handles
        assert later, "no other session took its place"
        return coder.pings

    monkeypatch.setattr(ray_connection, "connected", connected)
    monkeypatch.setattr(ray_connection, "_WATCH_SECONDS", 0.001)
    monkeypatch.setattr(ray_connection.ray.util.client.ray, "is_connected", lambda: True)
    return count


def test_a_session_that_has_never_answered_is_replaced_soon(pings: Callable[[int], int]) -> None:
    assert 1 < pings(0) <= 8


def test_one_that_has_answered_gets_the_time_that_replicas_take_to_start(pings: Callable[[int], int]) -> None:
    assert pings(3) - 3 >= 2 * pings(0)
