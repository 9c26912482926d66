import csv
import io
import json

import pytest

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
        "model_hash,canonical_id,parameters,multiply_adds,architecture,created_at,finished_at"
    ]
