"""The judgement of the storm: what contradicts the promises is found."""

from typing import Any

from benchmarks.trainers_storm import Ledger, judged


def trial(name: str, value: float | None, state: str = "completed", form: str | None = None) -> dict[str, Any]:
    return {"id": name, "value": value, "state": state, "canonical_id": form or name, "source": "acquisition"}


def ledger() -> Ledger:
    seen = Ledger(acknowledged={"a": 0.5, "b": 0.25})
    seen.seconds = {"/suggest": [0.1, 0.3], "/observe": [0.1]}
    return seen


def test_a_study_that_holds_what_was_acknowledged_breaks_no_promise() -> None:
    found = judged(ledger(), [trial("a", 0.5), trial("b", 0.25), trial("c", 0.1)], 2.0)
    assert (found["lost"], found["isomorphic_pairs"], found["states"]) == (0, 0, {"completed": 3})
    assert found["latencies"]["/suggest"] == {"p50": 0.2, "p99": 0.298, "a_second": 1.0}  # type: ignore[index]


def test_lost_changed_stuck_and_isomorphic_trials_are_counted() -> None:
    found = judged(ledger(), [trial("a", 0.4), trial("c", 0.1, form="x"), trial("d", None, "running", form="x")], 2.0)
    assert (found["lost"], found["isomorphic_pairs"]) == (2, 1)
    assert found["states"] == {"completed": 2, "running": 1}
