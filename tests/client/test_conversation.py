"""The client and the service, in earnest: what the one sends the other understands."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from svge_client import Architecture, Client, Conflict, Imported, Invalid, LeaseLost, NotFound, NothingToDo

from models.spaces.nasbench101 import NasBench101
from tests.client.live import serving


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("service")
    with serving(folder) as url:
        yield url


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with Client(url) as client:
        yield client


def test_a_study_from_its_creation_to_the_end_of_its_budget(client: Client) -> None:
    created = client.create_study("whole", "nasbench101", max_trials=5, lease_seconds=60, initial_size=2)
    assert client.create_study("whole", "nasbench101") == created
    values = [0.3, 0.9, 0.1, 0.5]
    for value in values:
        with client.trial("whole") as running:
            running.report(value, std=0.01, metrics={"seconds": 1.5})
    with pytest.raises(MemoryError), client.trial("whole"):
        raise MemoryError("too large")
    with pytest.raises(NothingToDo, match="max_trials"), client.trial("whole"):
        pytest.fail("the budget is used up")

    study = client.study("whole")
    assert (study.trials["completed"], study.trials["failed"], study.best_value) == (4, 1, 0.9)
    trials = list(client.trials("whole", page_size=2))
    assert [trial.number for trial in trials] == [1, 2, 3, 4, 5]
    assert [trial.value for trial in trials] == [*values, None]
    assert trials[-1].reason == "MemoryError: too large"
    assert len({trial.canonical_id for trial in trials}) == 5
    assert [trial.value for trial in client.best("whole", k=2)] == [0.9, 0.5]
    assert [trial.number for trial in client.trials("whole", state="failed")] == [5]


def test_a_search_for_trade_offs_within_limits(client: Client) -> None:
    goal = {"accuracy": "maximize", "seconds": "minimize", "parameters": "minimize"}
    created = client.create_study("several", "nasbench101", objectives=goal, limits={"parameters": 20_000_000}, initial_size=2)
    assert client.create_study("several", "nasbench101", objectives=goal, limits={"parameters": 20_000_000}) == created
    for accuracy, seconds in ((0.5, 1.0), (0.6, 3.0), (0.4, 4.0)):
        with client.trial("several") as running:
            done = running.report({"accuracy": accuracy, "seconds": seconds})
        assert done.values == {"accuracy": accuracy, "seconds": seconds}
        assert done.parameters is not None
    assert {trial.value for trial in client.pareto("several")} >= {0.5, 0.6}
    with pytest.raises(Invalid, match="expected values of 'accuracy', 'seconds'"), client.trial("several") as running:
        running.report({"accuracy": 0.5})


def test_a_worker_that_asks_again_gets_its_own_trial(client: Client) -> None:
    client.create_study("again", "nasbench101")
    first = client.suggest("again").trials
    assert [trial.id for trial in client.suggest("again").trials] == [trial.id for trial in first]
    assert set(client.heartbeat(first).renewed) == {first[0].id}
    both = client.suggest("again", count=2, wait=20).trials
    assert len({trial.canonical_id for trial in both}) == 2


def test_reports_may_be_repeated_but_not_changed(client: Client) -> None:
    client.create_study("repeat", "nasbench101")
    (trial,) = client.suggest("repeat").trials
    done = client.observe(trial, 0.5)
    assert client.observe(trial, 0.5) == done
    with pytest.raises(Conflict) as raised:
        client.observe(trial, 0.6)
    assert raised.value.problem.code == "conflicting_observation"
    assert trial.id in client.heartbeat([trial]).stop


def test_a_result_that_comes_after_somebody_else_s_is_a_lost_lease(url: str, client: Client) -> None:
    client.create_study("late", "nasbench101", max_trials=1, lease_seconds=1)
    (slow,) = client.suggest("late").trials
    with Client(url) as other:
        while True:
            try:
                with other.trial("late") as running:
                    assert (running.trial.id, running.trial.attempt) == (slow.id, 2)
                    running.report(0.7)
                break
            except NothingToDo:
                continue
    with pytest.raises(LeaseLost):
        client.observe(slow, 0.2)
    assert client.best("late")[0].value == 0.7


def test_architectures_are_encoded_and_latents_decoded(client: Client) -> None:
    client.create_study("latents", "nasbench101")
    sampled = [NasBench101().sample(np.random.default_rng(seed)) for seed in range(3)]
    architectures = [Architecture(one.space, one.nodes, one.edges) for one in sampled]
    latents = client.encode(architectures)
    assert [len(latent.mean) for latent in latents] == [4, 4, 4]
    decoded = client.decode([latent.mean for latent in latents], study="latents", samples=6, seed=1)
    assert len(decoded) == 3
    for decodings in decoded:
        assert sum(decoding.frequency for decoding in decodings) == pytest.approx(1.0)
        assert all(decoding.valid and decoding.trial is None for decoding in decodings)


def test_refusals_carry_the_service_s_explanation(client: Client) -> None:
    with pytest.raises(NotFound) as missing:
        client.suggest("nowhere")
    assert missing.value.problem.code == "study_not_found"
    with pytest.raises(Invalid) as invalid:
        client.create_study("wrong", "nasbench101", max_trials=-1)
    assert [fault.pointer for fault in invalid.value.problem.errors] == ["/max_trials"]


def test_a_study_is_filled_closed_and_reopened(client: Client) -> None:
    client.create_study("filled", "nasbench101")
    one = NasBench101().sample(np.random.default_rng(11))
    (queued,) = client.enqueue("filled", [Architecture(one.space, one.nodes, one.edges)])
    assert client.close_study("filled").document["closed_at"] is not None
    with pytest.raises(NothingToDo, match="closed"), client.trial("filled"):
        pytest.fail("the study is closed")
    client.reopen_study("filled")
    with client.trial("filled") as running:
        assert running.trial.id == queued.id
        running.report(0.5)


def test_a_trial_is_trained_again_and_written_on(client: Client) -> None:
    client.create_study("noisy", "nasbench101")
    with client.trial("noisy") as running:
        running.report(0.5)
    first = running.trial
    (again,) = client.replicate(first)
    assert (again.canonical_id, again.id == first.id) == (first.canonical_id, False)
    with client.trial("noisy") as running:
        assert running.trial.id == again.id
        running.report(0.75)
    assert client.annotate_study("noisy", note="two of one").document["note"] == "two of one"
    assert client.annotate(again, tags=["rerun"]).document["tags"] == ["rerun"]
    assert client.annotate_study("noisy", tags=["x"]).document["note"] == "two of one"
    assert client.annotate_study("noisy", note=None).document["note"] is None
    assert [trial.value for trial in client.trials("noisy", tag="rerun")] == [0.75]
    seen, since = client.changed("noisy", page_size=1)
    assert {trial.id for trial in seen} == {first.id, again.id}
    client.annotate(first, tags=["first"])
    (changed,), since = client.changed("noisy", since)
    assert changed.id == first.id
    assert client.changed("noisy", since) == ((), since)


def test_architectures_as_text(client: Client) -> None:
    client.create_study("text", "nasbench101")
    (trial,) = client.suggest("text").trials
    assert client.trial_as("svg", trial).startswith("<svg")
    assert "class Network(nn.Module):" in client.trial_as("python", trial)
    assert client.decode_as("dot", [0.0, 0.5, -0.5, 1.0], study="text", samples=5).startswith("digraph {")
    with pytest.raises(Invalid, match="/format: expected 'json', 'svg', 'dot' or 'python', got 'pdf'"):
        client.trial_as("pdf", trial)


def test_a_hopeless_trial_is_stopped_early(client: Client) -> None:
    rule = {"rule": "asha", "min_step": 2, "reduction_factor": 2, "max_step": 4}
    study = client.create_study("stopping", "nasbench101", max_trials=3, stopping=rule)
    assert study.document["stopping"] == {**rule, "min_trials": None}
    seen: list[tuple[str, int]] = []
    for level in (0.9, 0.1, math.nan):
        with client.trial("stopping") as running:
            for epoch in range(1, 5):
                running.progress(epoch, level + epoch / 100)
                seen.append((running.trial.id, epoch))
            running.report(level, step=4)
    good, bad, diverged = client.trials("stopping")
    assert seen == [*((good.id, epoch) for epoch in range(1, 5)), (bad.id, 1)]
    assert [trial.state for trial in (good, bad, diverged)] == ["completed", "stopped", "failed"]
    assert (bad.value, bad.reason) == (pytest.approx(0.12), "step 2: 0.12 is not the best of 2 values at rung 2")


def test_results_come_in_from_files_and_go_out_as_files(client: Client, tmp_path: Path) -> None:
    for name in ("from", "to"):
        client.create_study(name, "nasbench101")
    cells = [NasBench101().sample(np.random.default_rng(seed)) for seed in (21, 22)]
    rows = [{"nodes": cell.nodes, "edges": cell.edges, "accuracy": 0.5, "loss": 2.0} for cell in cells]
    assert client.import_trials("from", "\n".join(map(json.dumps, rows)), column="accuracy") == Imported(2, 0, 0)
    with pytest.raises(Conflict, match="line 1: trial '[0-9a-f]+' is finished"):
        client.import_trials("from", "\n".join(map(json.dumps, rows)), column="loss")
    client.suggest("from")
    for form, expected in (("csv", Imported(2, 0, 1)), ("jsonl", Imported(0, 2, 1))):
        path = tmp_path / f"trials.{form}"
        path.write_bytes(client.export("from", form))
        assert client.import_trials("to", path) == expected
    assert [trial.architecture for trial in client.trials("to")] == [trial.architecture for trial in client.trials("from")][:2]
    assert client.export("from", "parquet").startswith(b"PAR1")
    with pytest.raises(Invalid) as raised:
        client.import_trials("to", b"\xef\xbb\xbfarchitecture,value\nnone,1\n")
    assert [fault.pointer for fault in raised.value.problem.errors] == ["/lines/2/architecture"]
    with pytest.raises(NotFound):
        client.export("nowhere")
