"""Files of results in studies: what is stored, all of it or nothing, once; and that an export comes in again as it went out."""

import asyncio
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.architectures.formats import to_json
from models.datasets.loading import load_measured
from models.spaces.nasbench101 import NasBench101
from models.spaces.nasbench201 import NasBench201
from tests.service.api.harness import ONE_SPACE, Service, running

pytestmark = pytest.mark.anyio

RNG = np.random.default_rng(3)
CELLS = [NasBench201().format_native(cell) for cell in {NasBench201().sample(RNG): None for _ in range(12)}]
TYPES = {"csv": "text/csv", "jsonl": "application/jsonl"}


@pytest.fixture
async def demo(service: Service) -> Service:
    await service.post("/studies", ONE_SPACE | {"lease_seconds": 60}, 201)
    return service


async def send(service: Service, content: str | bytes, status: int = 200, study: str = "demo", **query: Any) -> Any:
    kind = query.pop("kind", "text/csv")
    response = await service.client.post(
        f"/studies/{study}/import", content=content, params=query, headers={"Content-Type": kind} if kind else {}
    )
    assert response.status_code == status, response.text
    if status >= 400:
        assert response.headers["content-type"] == "application/problem+json"
    return response.json()


async def trials_of(service: Service, study: str = "demo") -> list[Any]:
    trials: list[Any] = (await service.get(f"/studies/{study}/trials", limit=1000))["trials"]
    return trials


def table(rows: list[tuple[str, Any]]) -> str:
    return "architecture,value\n" + "".join(f"{cell},{value}\n" for cell, value in rows)


def without(trial: Any, *fields: str) -> Any:
    return {name: value for name, value in trial.items() if name not in fields}


async def test_a_row_is_what_observe_stores_of_a_result_from_elsewhere(demo: Service) -> None:
    await demo.post("/studies", ONE_SPACE | {"name": "other"}, 201)
    cell = to_json(NasBench201().parse_native(CELLS[0]))
    await demo.post("/observe", {"study": "other", "architecture": cell, "value": 0.5, "std": 0.25})
    answer = await send(demo, f"architecture,value,std\n{CELLS[0]},0.5,0.25\n")
    assert answer == {"imported": 1, "unchanged": 0, "left_out": 0}
    (here,), (there,) = await trials_of(demo), await trials_of(demo, "other")
    own = ("id", "study", "created_at", "finished_at")
    assert without(here, *own) == without(there, *own)
    assert here["native"] == CELLS[0]
    histories = [await demo.get(f"/trials/{trial['id']}") for trial in (here, there)]
    observations = [[without(one, "received_at") for one in history["observations"]] for history in histories]
    assert observations[0] == observations[1]
    assert histories[0]["attempts"] == histories[1]["attempts"] == []


async def test_many_rows_are_numbered_in_their_order_and_the_same_file_again_changes_nothing(demo: Service) -> None:
    content = table([(cell, place / 10) for place, cell in enumerate(CELLS)])
    assert await send(demo, content) == {"imported": len(CELLS), "unchanged": 0, "left_out": 0}
    stored = await trials_of(demo)
    assert [(trial["number"], trial["native"], trial["value"]) for trial in stored] == [
        (place + 1, cell, place / 10) for place, cell in enumerate(CELLS)
    ]
    assert await send(demo, content) == {"imported": 0, "unchanged": len(CELLS), "left_out": 0}
    assert await trials_of(demo) == stored
    assert [len((await demo.get(f"/trials/{trial['id']}"))["observations"]) for trial in stored] == [1] * len(CELLS)
    (new,) = (await demo.suggest("w"))["trials"]
    assert new["number"] == len(CELLS) + 1
    assert demo.worker.requests[-1].observations[0].value == 0.0


@pytest.mark.parametrize("form", ["csv", "jsonl"])
async def test_an_export_comes_in_again_as_it_went_out(demo: Service, form: str) -> None:
    held = (await demo.suggest("w, a worker", 6))["trials"]
    await demo.observe(held[0], 0.1 + 0.2)
    await demo.post("/observe", {"trial": held[1]["id"], "attempt": 1, "value": -1e-300, "std": 0.5, "metrics": {"epochs": 3}})
    for trial, status in ((held[2], "failed"), (held[3], "infeasible")):
        body = {"trial": trial["id"], "attempt": 1, "status": status, "reason": 'a "reason",\nof two lines; 100 %'}
        await demo.post("/observe", body)
    await demo.post("/observe", {"trial": held[4]["id"], "attempt": 1, "status": "stopped", "value": 7})
    await demo.post("/studies", ONE_SPACE | {"name": "two"}, 201)
    exported = (await demo.client.get("/studies/demo/export", params={"format": form})).content
    assert await send(demo, exported, study="two", kind=TYPES[form]) == {"imported": 5, "unchanged": 0, "left_out": 1}
    kept = ("architecture", "canonical_id", "native", "state", "value", "values", "std", "reason")
    before, after = await trials_of(demo), await trials_of(demo, "two")
    assert [[trial[field] for field in kept] for trial in after] == [[trial[field] for field in kept] for trial in before[:5]]
    assert await send(demo, exported, kind=TYPES[form]) == {"imported": 0, "unchanged": 5, "left_out": 1}
    assert await trials_of(demo) == before


@pytest.mark.parametrize("form", ["csv", "jsonl"])
async def test_an_export_with_several_objectives_comes_in_again(service: Service, form: str) -> None:
    goal = {"accuracy": "maximize", "seconds": "minimize", "parameters": "minimize"}
    for name in ("demo", "two", "three"):
        study = without(ONE_SPACE, "objective") | {"name": name, "objectives": goal}
        await service.post("/studies", study, 201)
    for trial in (await service.suggest("w", 3))["trials"][:2]:
        body = {"trial": trial["id"], "attempt": 1, "values": {"accuracy": 0.5, "seconds": trial["number"]}}
        await service.post("/observe", body)
    exported = (await service.client.get("/studies/demo/export", params={"format": form})).content
    assert (await send(service, exported, study="two", kind=TYPES[form]))["imported"] == 2
    assert [trial["values"] for trial in await trials_of(service, "two")] == [
        {"accuracy": 0.5, "seconds": 1.0},
        {"accuracy": 0.5, "seconds": 2.0},
    ]
    await send(service, f"arch,seconds,accuracy\n{CELLS[0]},2,0.25\n", study="three")
    assert [(trial["value"], trial["values"]) for trial in await trials_of(service, "three")] == [
        (0.25, {"accuracy": 0.25, "seconds": 2.0})
    ]
    problem = await send(service, f"arch,seconds,accuracy\n{CELLS[1]},2,\n", 422, study="three")
    assert problem["errors"][0]["pointer"] == "/lines/2/values"
    assert "line 2: expected values of 'accuracy', 'seconds', got 'seconds'" in problem["detail"]


async def test_of_a_file_with_one_bad_line_nothing_is_stored(demo: Service) -> None:
    good = [(cell, 0.5) for cell in CELLS]
    for bad, pointer in (((CELLS[0], "nan"), "/lines/8/value"), (("|none~0|", 1), "/lines/8/architecture")):
        problem = await send(demo, table([*good[:6], bad, *good[6:]]), 422)
        assert [fault["pointer"] for fault in problem["errors"]] == [pointer]
        assert problem["errors"][0]["message"].startswith("line 8: ")
        assert await trials_of(demo) == []


async def test_a_value_that_differs_from_the_stored_one_is_a_conflict_that_names_its_line(demo: Service) -> None:
    await send(demo, table([(CELLS[3], 0.5)]))
    before = [await demo.get(f"/trials/{trial['id']}") for trial in await trials_of(demo)]
    problem = await send(demo, "loss,arch\n" + "".join(f"{0.75},{cell}\n" for cell in CELLS), 409, column="loss")
    assert (problem["code"], problem["errors"][0]["pointer"]) == ("conflicting_observation", "/lines/5/loss")
    assert "line 5: trial" in problem["detail"]
    assert "'completed' with 0.5 is recorded, 'completed' with 0.75 came" in problem["detail"]
    assert [conflict["trial"] for conflict in problem["conflicts"]] == [before[0]["trial"]["id"]]
    assert [await demo.get(f"/trials/{trial['id']}") for trial in await trials_of(demo)] == before


async def test_at_most_a_hundred_conflicts_are_named(demo: Service, shared_data: Callable[[str], Path]) -> None:
    lines = shared_data("nasbench201_cifar10_12epochs.csv").read_text().splitlines(keepends=True)
    head = "".join(lines[:201])
    assert (await send(demo, head, column="cifar10_val"))["imported"] == 200
    problem = await send(demo, head, 409, column="cifar10_test")
    assert (len(problem["errors"]), len(problem["conflicts"])) == (100, 100)
    assert (await send(demo, "".join(lines[:301]), column="cifar10_val")) == {"imported": 100, "unchanged": 200, "left_out": 0}


async def test_the_means_of_the_published_sample_of_nasbench101(service: Service, shared_data: Callable[[str], Path]) -> None:
    await service.post("/studies", ONE_SPACE | {"space": "nasbench101"}, 201)
    measured = load_measured(shared_data("nasbench101_sample.csv"), NasBench101())
    means = measured.metric("val_accuracy_108epochs").tolist()
    rows = [{**to_json(cell), "accuracy": mean} for cell, mean in zip(measured.architectures, means, strict=True)]
    assert (await send(service, "\n".join(map(json.dumps, rows)), kind="application/jsonl"))["imported"] == 156
    assert [trial["value"] for trial in await trials_of(service)] == means


async def test_a_file_finishes_what_waits_or_runs_but_its_failures_do_not(demo: Service) -> None:
    (running_one,) = (await demo.suggest("w"))["trials"]
    queued = [to_json(NasBench201().parse_native(cell)) for cell in CELLS[:2]]
    await demo.post("/studies/demo/enqueue", {"architectures": queued})
    failed = {**running_one["architecture"], "state": "failed"}
    rows = [{**queued[0], "value": 0.5}, {**queued[1], "state": "failed"}]
    before = await trials_of(demo)
    problem = await send(demo, "\n".join(map(json.dumps, [*rows, failed])), 409, kind="application/x-ndjson")
    assert (problem["code"], problem["errors"][0]["pointer"]) == ("illegal_transition", "/lines/3/state")
    assert "runs as attempt 1, which 'failed' from elsewhere does not end" in problem["detail"]
    assert await trials_of(demo) == before
    rows.append({**running_one["architecture"], "value": 0.75})
    assert (await send(demo, "\n".join(map(json.dumps, rows)), kind="application/x-ndjson"))["imported"] == 3
    assert [trial["state"] for trial in await trials_of(demo)] == ["completed", "completed", "failed"]
    history = await demo.get(f"/trials/{running_one['id']}")
    assert [attempt["outcome"] for attempt in history["attempts"]] == ["superseded"]
    late = await demo.observe(running_one, 0.5, 409)
    assert late["code"] == "lease_lost"


async def test_a_budget_holds_for_files_too(service: Service) -> None:
    await service.post("/studies", ONE_SPACE | {"max_trials": 3}, 201)
    problem = await send(service, table([(cell, 0.5) for cell in CELLS[:4]]), 409)
    assert (problem["code"], problem["errors"][0]["pointer"]) == ("budget_exhausted", "/lines/5/architecture")
    assert await trials_of(service) == []
    assert (await send(service, table([(cell, 0.5) for cell in CELLS[:3]])))["imported"] == 3


async def test_the_same_file_many_times_at_once_is_stored_once(demo: Service) -> None:
    content = table([(cell, 0.5) for cell in CELLS])
    answers = await asyncio.gather(*(send(demo, content) for _ in range(4)))
    assert sorted(answer["imported"] for answer in answers) == [0, 0, 0, len(CELLS)]
    assert [trial["number"] for trial in await trials_of(demo)] == list(range(1, len(CELLS) + 1))


async def test_a_format_that_is_not_read_is_told_which_are(demo: Service) -> None:
    content = table([(CELLS[0], 1)])
    for kind in (None, "", "application/json", "text/plain; charset=utf-8", "csv"):
        problem = await send(demo, content, 415, kind=kind)
        assert problem["code"] == "unsupported_media_type"
        assert "expected the Content-Type text/csv or application/jsonl or application/x-ndjson" in problem["detail"]
        assert "?format=csv or jsonl" in problem["detail"]
        assert (await send(demo, content, kind=kind, format="csv"))["left_out"] == 0
    assert len(await trials_of(demo)) == 1


async def test_what_is_asked_for_wrongly_is_named(demo: Service) -> None:
    content = table([(CELLS[0], 1)])
    assert (await send(demo, content, 422, format="xml"))["errors"][0]["pointer"] == "/format"
    assert (await send(demo, content, 422, column="loss"))["errors"][0]["pointer"] == "/column"
    assert (await send(demo, "", 422))["errors"][0]["message"] == "the file is empty; expected measured architectures"
    assert (await send(demo, content, 404, study="nowhere"))["code"] == "study_not_found"
    assert (await send(demo, content, kind="Text/CSV; charset=utf-8"))["imported"] == 1


async def test_the_limits_are_settings_that_their_errors_name(tmp_path: Path) -> None:
    async with running(tmp_path, max_import_rows=2, max_body_bytes=1024) as service:
        await service.post("/studies", ONE_SPACE, 201)
        problem = await send(service, table([(cell, 1) for cell in CELLS[:3]]), 422)
        assert "line 4: expected at most 2 rows (SVGE_MAX_IMPORT_ROWS)" in problem["detail"]
        problem = await send(service, table([(cell, 1) for cell in CELLS]), 413)
        assert "at most 1024 bytes (SVGE_MAX_BODY_BYTES)" in problem["detail"]
        assert (await send(service, table([(cell, 1) for cell in CELLS[:2]])))["imported"] == 2


async def test_one_key_is_for_one_column(demo: Service) -> None:
    content, headers = f"arch,a,b\n{CELLS[0]},1,2\n", {"Idempotency-Key": "k", "Content-Type": "text/csv"}
    answers = [
        await demo.client.post("/studies/demo/import", params={"column": column}, content=content, headers=headers)
        for column in ("a", "a", "b")
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 422]
    assert answers[1].headers["idempotency-replayed"] == "true"
    assert answers[2].json()["code"] == "idempotency_key_reused"


async def test_cells_of_different_sizes_come_in_by_any_name(service: Service) -> None:
    """Isomorphic cells in two forms are one architecture, in one file and over two."""
    await service.post("/studies", ONE_SPACE | {"space": "nasbench101"}, 201)
    space = NasBench101()
    cells = list({space.sample(RNG): None for _ in range(5)})
    graphs = "\n".join(json.dumps({**to_json(cell), "value": place}) for place, cell in enumerate(cells))
    natives = "\n".join(json.dumps({"native": space.format_native(cell), "value": place}) for place, cell in enumerate(cells))
    assert (await send(service, graphs, kind="application/jsonl"))["imported"] == 5
    assert await send(service, natives, kind="application/jsonl") == {"imported": 0, "unchanged": 5, "left_out": 0}


@pytest.mark.parametrize("form", ["csv", "jsonl"])
async def test_an_export_with_replicates_and_formulas_comes_in_again(service: Service, form: str) -> None:
    for name in ("demo", "other"):
        await service.post("/studies", ONE_SPACE | {"name": name}, 201)
    first, second = (await service.suggest("w", 2))["trials"]
    await service.observe(first, 0.5)
    (again,) = (await service.post(f"/trials/{first['id']}/replicate", {}))["trials"]
    reason = '=HYPERLINK("http://evil.example")'
    await service.post("/observe", {"trial": second["id"], "attempt": 1, "status": "failed", "reason": reason})
    (running,) = (await service.suggest("w"))["trials"]
    assert running["id"] == again["id"]
    await service.observe(running, 0.75)
    await service.client.patch(f"/trials/{first['id']}", json={"note": "-5 %", "tags": ["seen"]})
    exported = (await service.client.get("/studies/demo/export", params={"format": form})).text
    assert "seen" in exported
    if form == "csv":
        assert not any(field.startswith(("=", "-5")) for row in csv.reader(io.StringIO(exported)) for field in row)
    for study, expected in (("demo", [0, 2, 1]), ("other", [2, 0, 1])):
        answer = await service.client.post(f"/studies/{study}/import", params={"format": form}, content=exported.encode())
        assert list(answer.json().values()) == expected, answer.text
    (failed,) = (await service.get("/studies/other/trials", state="failed"))["trials"]
    assert failed["reason"] == reason
