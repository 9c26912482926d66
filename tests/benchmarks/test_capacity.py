"""The simulation of capacity obeys what queueing theory says of it."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.capacity import RESULTS, TRAINERS, Deployment, Simulation, Times, carries, draw, read_times, sweep, table
from benchmarks.capacity_times import CallTimes

CALL = CallTimes(api=0.01, database=0.004, row=0.01)
TIMES = Times({"suggest": CALL, "observe": CALL, "heartbeat": CALL}, one=0.4, fifty=0.5)
QUIET = Deployment(trainers=20, training_seconds=120.0)


def test_alone_a_suggest_takes_what_its_steps_take() -> None:
    outcome = Simulation(replace(QUIET, trainers=1), TIMES, 20_000.0).run()
    assert outcome.p99 == pytest.approx(0.02 + 0.4 + 0.01 + 0.01)
    assert outcome.at_random == 0


def test_parts_are_as_busy_as_the_utilisation_law_says() -> None:
    deployment = replace(QUIET, trainers=400)
    outcome = Simulation(deployment, TIMES, 6_000.0).run()
    rate = deployment.trainers / (deployment.training_seconds + sum(outcome.suggests) / len(outcome.suggests))
    assert outcome.busy["API"] == pytest.approx(2 * rate * CALL.api, rel=0.05)
    assert outcome.busy["study row"] == pytest.approx(2 * rate * CALL.row, rel=0.05)
    assert outcome.busy["PostgreSQL"] == pytest.approx(2 * rate * CALL.database / deployment.database_cores, rel=0.05)


def test_joint_proposals_carry_more_trainers_than_single_ones_could() -> None:
    outcome = Simulation(replace(QUIET, trainers=1000), TIMES, 1_000.0).run()
    asked = len(outcome.suggests) / 500.0
    assert asked * TIMES.one > 2.0, "one proposal at a time would take more than there is"
    assert outcome.random_share == 0.0
    assert outcome.busy["model worker"] <= 1.0


def test_beyond_what_the_api_can_do_suggests_wait_and_more_processes_help() -> None:
    flood = replace(QUIET, trainers=9_000, studies=8)
    alone, eight = (Simulation(replace(flood, apis=number, workers=number), TIMES, 200.0).run() for number in (1, 8))
    assert alone.busy["API"] == pytest.approx(1.0, abs=0.02)
    assert not carries(alone)
    assert eight.p99 < alone.p99 / 3


def test_heartbeats_come_with_long_trainings() -> None:
    long = Deployment(trainers=300, training_seconds=3000.0)
    without = Times({**TIMES.calls, "heartbeat": CallTimes(0.0, 0.0, 0.0)}, TIMES.one, TIMES.fifty)
    busy = [Simulation(long, times, 12_000.0).run().busy["API"] for times in (TIMES, without)]
    # A training of fifty minutes with a sign of life every five has nine and a half on average, to one suggest and one observation.
    assert busy[0] / busy[1] == pytest.approx(1 + 9.5 / 2, rel=0.1)


def test_what_was_measured_is_read_and_drawn(tmp_path: Path) -> None:
    times = read_times(RESULTS / "capacity_times.json", RESULTS / "search_speed.json", 1000)
    assert times.one <= times.fifty
    with pytest.raises(ValueError, match="at 7 observations"):
        read_times(RESULTS / "capacity_times.json", RESULTS / "search_speed.json", 7)
    found = {"small": sweep(QUIET, TRAINERS[:2], times, 300.0)}
    draw(found, 120.0, tmp_path / "new" / "capacity.png")
    assert (tmp_path / "new" / "capacity.png").stat().st_size > 10_000
    assert f"| small | {TRAINERS[1]} |" in table(found)
