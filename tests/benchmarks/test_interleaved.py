"""Contenders take turns, their medians and ratios are right, and preparation does not count."""

import pytest

from benchmarks.interleaved import Contender, Speed, Work, compare, machine, ratios, table


class Scripted:
    """Work whose calls are written down and take the seconds that they are told."""

    def __init__(self, name: str, calls: list[str], seconds: list[float], graphs: int = 10) -> None:
        self.name, self.calls, self.seconds, self.graphs = name, calls, iter(seconds), graphs

    def __call__(self) -> Work:
        self.calls.append(self.name)
        return Work(self.graphs, next(self.seconds))


def test_contenders_take_turns_after_a_warm_up_that_does_not_count() -> None:
    calls: list[str] = []
    fast = Scripted("fast", calls, [99.0, 1.0, 2.0, 4.0])
    slow = Scripted("slow", calls, [99.0, 10.0, 20.0, 5.0])
    speeds = compare([Contender("t", "fast", fast), Contender("t", "slow", slow)], rounds=3, seconds=3.0)
    assert calls == ["fast", "slow"] * 4
    assert speeds == [Speed("t", "fast", 5.0, (10.0, 5.0, 2.5)), Speed("t", "slow", 1.0, (1.0, 0.5, 2.0))]
    assert ratios(speeds) == [1.0, 5.0]


def test_a_round_goes_on_until_its_seconds_are_spent() -> None:
    calls: list[str] = []
    work = Scripted("a", calls, [0.1, 1.0, 1.0, 2.0], graphs=4)
    assert compare([Contender("t", "a", work)], rounds=1, seconds=3.0) == [Speed("t", "a", 3.0, (3.0,))]
    assert len(calls) == 4


def test_each_task_has_its_own_first() -> None:
    speeds = [Speed("a", "x", 8.0, (8.0,)), Speed("b", "x", 30.0, (30.0,)), Speed("a", "y", 2.0, (1.0, 2.0, 3.0))]
    assert ratios(speeds) == [1.0, 1.0, 4.0]
    assert table(speeds).splitlines()[-1] == "| a | y | 2 (1 to 3) | 4.0x |"


def test_no_rounds_are_an_error() -> None:
    with pytest.raises(ValueError, match="at least 1 round, got 0"):
        compare([], rounds=0, seconds=1.0)


def test_the_machine_says_what_a_figure_depends_on() -> None:
    found = machine()
    assert {"processor", "cores", "memory_gib", "threads", "load_average_1_min", "torch", "torch_geometric"} <= found.keys()
    assert all(value not in (None, "") for value in found.values())
