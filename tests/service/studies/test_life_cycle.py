"""The life of trials under any sequence of calls and lapses of time, against a model written in a page."""

import asyncio
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from service.studies import leases
from tests.service.api.harness import ONE_SPACE, running

LEASE, STEP, MAX_ATTEMPTS, MAX_TRIALS = 60, 25, 2, 7
WORKERS = st.sampled_from(["a", "b", "c"])
OUTCOMES = st.sampled_from([("completed", 0.25), ("completed", 0.75), ("failed", None), ("infeasible", None), ("stopped", 0.5)])


@dataclass
class Expected:
    """What the model knows of a trial; `outcome` is what finished it, `finished_by` the attempt, None while nobody's did."""

    id: str
    state: str
    attempt: int
    worker: str
    lease_end: int
    outcome: tuple[str, float | None] = ("", None)
    finished_by: int | None = None


class LifeCycle(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.opened = running(Path(self.folder.name))
        self.service = self.runner.run(self.opened.__aenter__())
        limits = {"lease_seconds": LEASE, "max_attempts": MAX_ATTEMPTS, "max_trials": MAX_TRIALS}
        self.call("/studies", ONE_SPACE | limits)
        self.time = 0
        self.trials: list[Expected] = []

    def teardown(self) -> None:
        self.runner.run(self.opened.__aexit__(None, None, None))
        self.runner.close()
        self.folder.cleanup()

    def call(self, path: str, body: Any) -> tuple[int, Any]:
        response = self.runner.run(self.service.client.post(path, json=body))
        return response.status_code, response.json()

    def expire(self) -> None:
        for trial in self.trials:
            if trial.state == "running" and trial.lease_end <= self.time:
                trial.state = "waiting" if trial.attempt < MAX_ATTEMPTS else "failed"

    @rule(steps=st.integers(1, 3))
    def let_time_pass(self, steps: int) -> None:
        self.time += STEP * steps
        self.service.clock.advance(STEP * steps)

    @rule()
    def sweep(self) -> None:
        self.runner.run(leases.sweep(self.service.app.state.context))
        self.expire()

    @rule(worker=WORKERS, count=st.integers(1, 3))
    def suggest(self, worker: str, count: int) -> None:
        status, answer = self.call("/suggest", {"study": "demo", "worker": worker, "count": count})
        assert status == 200
        self.expire()
        held = [trial for trial in self.trials if trial.state == "running" and trial.worker == worker]
        for trial in held:
            trial.lease_end = self.time + LEASE
        expected = held[:count]
        for trial in [trial for trial in self.trials if trial.state == "waiting"][: count - len(expected)]:
            trial.state, trial.worker, trial.attempt, trial.lease_end = "running", worker, trial.attempt + 1, self.time + LEASE
            expected.append(trial)
        created = answer["trials"][len(expected) :]
        assert len(created) == min(count - len(expected), MAX_TRIALS - len(self.trials))
        assert not {trial["id"] for trial in created} & {trial.id for trial in self.trials}
        self.trials += [Expected(trial["id"], "running", 1, worker, self.time + LEASE) for trial in created]
        first = [(trial["id"], trial["attempt"]) for trial in answer["trials"][: len(expected)]]
        assert sorted(first) == sorted((trial.id, trial.attempt) for trial in expected)
        assert (answer["reason"] is None) == (len(answer["trials"]) == count)

    @precondition(lambda self: self.trials)
    @rule(data=st.data(), outcome=OUTCOMES)
    def observe(self, data: st.DataObject, outcome: tuple[str, float | None]) -> None:
        trial = data.draw(st.sampled_from(self.trials))
        attempt = data.draw(st.integers(1, trial.attempt))
        body = {"trial": trial.id, "attempt": attempt, "status": outcome[0], "value": outcome[1]}
        status, answer = self.call("/observe", body)
        is_superseded = trial.state == "running" and attempt != trial.attempt and outcome[0] != "completed"
        if trial.finished_by is None and not is_superseded:
            assert status == 200
            trial.state, trial.outcome, trial.finished_by = outcome[0], outcome, attempt
        elif attempt == trial.finished_by:
            assert (status, answer.get("code")) == ((200, None) if outcome == trial.outcome else (409, "conflicting_observation"))
        elif attempt == trial.attempt and outcome == trial.outcome:
            assert status == 200
        else:
            assert (status, answer["code"]) == (409, "lease_lost")

    @precondition(lambda self: self.trials)
    @rule(worker=WORKERS)
    def heartbeat(self, worker: str) -> None:
        _, answer = self.call("/heartbeat", {"worker": worker, "trials": [trial.id for trial in self.trials]})
        stop = [trial.id for trial in self.trials if trial.finished_by is not None]
        mine = [trial for trial in self.trials if trial.state in ("running", "waiting") and trial.worker == worker]
        for trial in mine:
            trial.state, trial.lease_end = "running", self.time + LEASE
        assert [each["trial"] for each in answer["stop"]] == stop
        assert [each["trial"] for each in answer["renewed"]] == [trial.id for trial in mine]
        assert len(answer["lost"]) == len(self.trials) - len(stop) - len(mine)

    @invariant()
    def the_service_agrees_with_the_model(self) -> None:
        page = self.runner.run(self.service.get("/studies/demo/trials"))["trials"]
        assert [(t["id"], t["state"], t["attempt"], t["worker"]) for t in page] == [
            (t.id, t.state, t.attempt, t.worker) for t in self.trials
        ]
        assert [t["value"] for t in page] == [t.outcome[1] for t in self.trials]
        assert len({t["canonical_id"] for t in page}) == len(page) <= MAX_TRIALS

    @invariant()
    def the_kept_counts_are_those_of_a_recount(self) -> None:
        counted = Counter(trial.state for trial in self.trials)
        kept = self.runner.run(self.service.get("/studies/demo"))["trials"]
        assert {state: count for state, count in kept.items() if count} == counted


TestLifeCycle = LifeCycle.TestCase
# a falsifying sequence is short enough to read, and shrinking one would start a service for each attempt, for minutes
TestLifeCycle.settings = settings(
    max_examples=15, stateful_step_count=25, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate]
)
