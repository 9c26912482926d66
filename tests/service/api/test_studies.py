import asyncio
import csv
import io
import json

import httpx
import numpy as np
import pytest

from models.spaces.nasbench201 import NasBench201
from tests.service.api.harness import ONE_SPACE, Service

pytestmark = pytest.mark.anyio


async def test_a_study_says_what_it_is(service: Service) -> None:
    response = await service.client.post("/studies", json=ONE_SPACE | {"max_trials": 40})
    assert (response.status_code, response.headers["location"]) == (201, "/studies/demo")
    study = response.json()
    assert (study["space"], study["objective"], study["seed"], study["max_trials"]) == ("nasbench201", "maximize", 0, 40)
    assert set(study["trials"].values()) == {0}
    assert await service.get("/studies/demo") == study


async def test_a_study_is_pinned_to_a_model(service: Service) -> None:
    models = {model["name"]: model for model in (await service.get("/models"))["models"]}
    default = await service.post("/studies", ONE_SPACE, 201)
    named = await service.post("/studies", ONE_SPACE | {"name": "by-name", "model": "lines"}, 201)
    hashed = await service.post("/studies", ONE_SPACE | {"name": "by-hash", "model": models["lines"]["hash"]}, 201)
    assert {study["model_hash"] for study in (default, named, hashed)} == {models["lines"]["hash"]}
    trial = (await service.suggest("w"))["trials"][0]
    assert trial["model_hash"] == models["lines"]["hash"]


async def test_pages_of_studies_hold_each_once(service: Service) -> None:
    names = [f"study-{index}" for index in range(5)]
    for name in names:
        await service.post("/studies", ONE_SPACE | {"name": name}, 201)
    found, cursor = [], None
    while True:
        page = await service.get("/studies", limit=2, **({"cursor": cursor} if cursor else {}))
        found += [study["name"] for study in page["studies"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == names


async def test_trials_are_listed_by_state_and_page(service: Service) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    trials = (await service.suggest("w", 5))["trials"]
    for index in (1, 3):
        await service.observe(trials[index], index / 10)
    completed = await service.get("/studies/demo/trials", state="completed")
    assert [trial["number"] for trial in completed["trials"]] == [2, 4]
    first = await service.get("/studies/demo/trials", limit=3)
    rest = await service.get("/studies/demo/trials", limit=3, cursor=first["next_cursor"])
    assert [trial["number"] for trial in first["trials"] + rest["trials"]] == [1, 2, 3, 4, 5]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize(("objective", "expected"), [("maximize", [0.9, 0.5]), ("minimize", [0.1, 0.5])])
async def test_the_best_go_by_the_objective(service: Service, objective: str, expected: list[float]) -> None:
    await service.post("/studies", ONE_SPACE | {"objective": objective}, 201)
    for trial, value in zip((await service.suggest("w", 4))["trials"], (0.5, 0.1, 0.9), strict=False):
        await service.observe(trial, value)
    assert [trial["value"] for trial in (await service.get("/studies/demo/best", k=2))["trials"]] == expected
    assert (await service.get("/studies/demo"))["best_value"] == expected[0]


async def test_a_study_is_exported_as_csv_and_as_json_lines(service: Service) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    trials = (await service.suggest("a worker, with a comma", 3))["trials"]
    await service.observe(trials[1], 0.1 + 0.2)
    response = await service.client.get("/studies/demo/export", params={"format": "csv"})
    assert response.headers["content-type"].startswith("text/csv")
    assert 'filename="demo.csv"' in response.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(response.text)))
    lines = [json.loads(line) for line in (await service.client.get("/studies/demo/export?format=jsonl")).text.splitlines()]
    assert [row["id"] for row in rows] == [line["id"] for line in lines] == [trial["id"] for trial in trials]
    assert (float(rows[1]["value"]), lines[1]["value"], rows[0]["value"]) == (0.1 + 0.2, 0.1 + 0.2, "")
    assert rows[0]["worker"] == "a worker, with a comma"
    assert [json.loads(row["architecture"]) for row in rows] == [line["architecture"] for line in lines]
    assert lines[0]["architecture"] == trials[0]["architecture"]


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("application/jsonl", "application/jsonl"),
        ("text/csv;q=0.2, application/jsonl;q=0.9", "application/jsonl"),
        ("text/html,*/*;q=0.8", "text/csv"),
        ("", "text/csv"),
    ],
)
async def test_an_export_has_the_form_that_is_accepted(service: Service, accept: str, form: str) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    response = await service.client.get("/studies/demo/export", headers={"Accept": accept})
    assert (response.status_code, response.headers["content-type"].split(";")[0], response.headers["vary"]) == (200, form, "Accept")
    named = await service.client.get("/studies/demo/export?format=csv", headers={"Accept": accept})
    assert named.headers["content-type"].startswith("text/csv")


async def test_an_export_in_no_accepted_form_is_refused(service: Service) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    response = await service.client.get("/studies/demo/export", headers={"Accept": "image/png"})
    assert (response.status_code, response.json()["code"]) == (406, "not_acceptable")
    assert "application/vnd.apache.parquet" in response.json()["detail"]


async def test_an_export_holds_more_trials_than_one_page(service: Service) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    for index in range(3):
        await service.suggest(f"w{index}", 200)
    lines = (await service.client.get("/studies/demo/export?format=jsonl")).text.splitlines()
    assert [json.loads(line)["number"] for line in lines] == list(range(1, 601))


async def test_an_empty_study_is_exported_as_a_header(service: Service) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    assert (await service.client.get("/studies/demo/export")).text.splitlines() == [
        "number,id,state,value,values,std,reason,attempt,worker,source,predicted_mean,predicted_std,acquisition_value,observations_seen,"
        "model_hash,canonical_id,replicate,parameters,multiply_adds,architecture,created_at,finished_at,note,tags"
    ]


async def test_a_closed_study_hands_nothing_new_out_but_takes_results(service: Service) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    (held,) = (await service.suggest("a"))["trials"]
    closed = await service.post("/studies/demo/close", {})
    assert closed["closed_at"] is not None
    assert await service.post("/studies/demo/close", {}) == closed
    refused = await service.suggest("b")
    assert refused["trials"] == []
    assert "study 'demo' is closed; reopen it with POST /studies/demo/reopen" in refused["reason"]
    assert [trial["id"] for trial in (await service.suggest("a"))["trials"]] == [held["id"]]
    assert (await service.observe(held, 0.5))["trial"]["value"] == 0.5
    assert (await service.post("/studies/demo/reopen", {}))["closed_at"] is None
    assert len((await service.suggest("b"))["trials"]) == 1
    await service.post("/studies/nowhere/close", {}, 404)


async def test_a_deleted_study_is_gone_with_its_trials_and_its_name_is_free(service: Service) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    trials = (await service.suggest("a", 3))["trials"]
    await service.observe(trials[0], 0.5)
    assert (await service.client.delete("/studies/demo")).status_code == 204
    assert (await service.client.delete("/studies/demo")).status_code == 404
    await service.get(f"/trials/{trials[0]['id']}", 404)
    await service.observe(trials[1], 0.5, 404)
    await service.post("/suggest", {"study": "demo", "worker": "a"}, 404)
    again = await service.post("/studies", ONE_SPACE | {"space": "enas_macro"}, 201)
    assert set(again["trials"].values()) == {0}
    assert (await service.suggest("a"))["trials"][0]["architecture"]["space"] == "enas_macro"


async def asked_and_deleted(service: Service) -> asyncio.Task[httpx.Response]:
    """A suggest that is still computing while its study has been deleted."""
    service.worker.gate.clear()
    asking = asyncio.create_task(service.client.post("/suggest", json={"study": "demo", "worker": "a", "wait": 20}))
    while not service.worker.requests:
        await asyncio.sleep(0.01)
    assert (await service.client.delete("/studies/demo")).status_code == 204
    return asking


async def test_a_study_that_is_deleted_while_it_is_asked_is_not_found(service: Service) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    asking = await asked_and_deleted(service)
    service.worker.gate.set()
    assert (await asking).status_code == 404


async def test_a_study_made_anew_while_the_old_one_is_asked_gets_nothing_of_it(service: Service) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    asking = await asked_and_deleted(service)
    await service.post("/studies", ONE_SPACE | {"space": "enas_macro"}, 201)
    service.worker.gate.set()
    assert (await asking).status_code == 404
    assert (await service.get("/studies/demo/trials"))["trials"] == []
    assert (await service.suggest("a"))["trials"][0]["architecture"]["space"] == "enas_macro"


@pytest.mark.parametrize("path", ["/studies/a%00b", "/studies/a%00b/pareto", "/trials/a%00b", "/decode?study=a%00b&random=1"])
async def test_a_name_that_no_database_can_hold_is_not_found(service: Service, path: str) -> None:
    assert (await service.client.get(path)).status_code == 404


async def test_enqueued_architectures_go_first_and_once(service: Service) -> None:
    await service.post("/studies", ONE_SPACE | {"max_trials": 4}, 201)
    (held,) = (await service.suggest("a"))["trials"]
    rng = np.random.default_rng(5)
    chosen = [NasBench201().sample(rng) for _ in range(2)]
    body = {"architectures": [{"nodes": one.nodes, "edges": one.edges} for one in chosen] + [held["architecture"]]}
    queued = (await service.post("/studies/demo/enqueue", body))["trials"]
    assert [trial["state"] for trial in queued] == ["waiting", "waiting", "running"]
    assert [trial["source"] for trial in queued[:2]] == ["enqueued", "enqueued"]
    assert queued[2]["id"] == held["id"]
    assert (await service.post("/studies/demo/enqueue", body))["trials"] == queued
    given = (await service.suggest("b", 3))["trials"]
    assert [trial["id"] for trial in given[:2]] == [trial["id"] for trial in queued[:2]]
    assert {trial["attempt"] for trial in given} == {1}
    assert await service.observe(given[0], 0.7)


async def test_what_cannot_be_enqueued_is_refused_as_a_whole(service: Service) -> None:
    await service.post("/studies", ONE_SPACE | {"max_trials": 1}, 201)
    rng = np.random.default_rng(6)
    good, other = ({"nodes": one.nodes, "edges": one.edges} for one in (NasBench201().sample(rng) for _ in range(2)))
    wrong = {"nodes": ["input", "output"], "edges": [[0, 1]]}
    error = await service.post("/studies/demo/enqueue", {"architectures": [good, wrong]}, 422)
    assert all(fault["pointer"].startswith("/architectures/1") for fault in error["errors"])
    error = await service.post("/studies/demo/enqueue", {"architectures": [good, other]}, 409)
    assert (error["code"], error["errors"][0]["pointer"]) == ("budget_exhausted", "/architectures/1")
    assert (await service.get("/studies/demo/trials"))["trials"] == []
    await service.post("/studies/nowhere/enqueue", {"architectures": [good]}, 404)
