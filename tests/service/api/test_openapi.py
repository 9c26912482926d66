import re
from typing import Any

import pytest
from pydantic import TypeAdapter

from service.api.schemas import catalogue, files, latents, observe, studies, suggest, trials
from tests.service.api.harness import Service

pytestmark = pytest.mark.anyio

OPERATIONS = {
    "suggest",
    "observe",
    "heartbeat",
    "encode",
    "decode",
    "decode_at",
    "create_study",
    "list_studies",
    "read_study",
    "list_trials",
    "best_trials",
    "pareto_front",
    "close_study",
    "reopen_study",
    "delete_study",
    "enqueue",
    "read_metrics",
    "export_study",
    "import_trials",
    "read_trial",
    "annotate_study",
    "annotate_trial",
    "replicate",
    "predict",
    "pin_study",
    "study_curve",
    "study_map",
    "list_progress",
    "list_spaces",
    "list_models",
    "upload_space",
    "upload_model",
    "delete_model",
    "healthz",
    "readyz",
    "version",
}


@pytest.fixture
async def document(service: Service) -> Any:
    return await service.get("/openapi.json")


def operations(document: Any) -> dict[str, Any]:
    return {operation["operationId"]: operation for path in document["paths"].values() for operation in path.values()}


async def test_operations_keep_their_names(document: Any) -> None:
    assert document["openapi"].startswith("3.1")
    assert set(operations(document)) == OPERATIONS


async def test_every_operation_has_words_an_example_and_the_problem_schema(document: Any) -> None:
    for name, operation in operations(document).items():
        assert operation["description"], name
        problem = operation["responses"]["default"]["content"]["application/problem+json"]
        assert problem["schema"] == {"$ref": "#/components/schemas/Problem"}, name
        assert problem["example"]["errors"], name
        assert "422" not in operation["responses"], name
        successes = {status: answer for status, answer in operation["responses"].items() if status.startswith("2")}
        assert successes, name
        for status, success in successes.items():
            if status != "204":
                assert success["content"], name
                assert all("example" in content for content in success["content"].values()), name


async def test_every_body_has_an_example(document: Any) -> None:
    for name, operation in operations(document).items():
        if "requestBody" not in operation:
            continue
        for content in operation["requestBody"]["content"].values():
            reference = content["schema"].get("$ref", "").rpartition("/")[2]
            assert {"example", "examples"} & set(content) or document["components"]["schemas"][reference]["examples"], name


async def test_every_reference_leads_somewhere(document: Any) -> None:
    names = re.findall(r"#/components/schemas/(\w+)", str(document))
    assert set(names) <= set(document["components"]["schemas"])
    assert not {"HTTPValidationError", "ValidationError"} & set(document["components"]["schemas"])


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (observe.ObserveRequest, observe.OBSERVE),
        (observe.ObserveRequest, [observe.FAILED, observe.STOPPED, observe.ELSEWHERE]),
        (suggest.SuggestRequest, suggest.SUGGEST),
        (suggest.SuggestAnswer, suggest.SUGGESTION),
        (suggest.HeartbeatRequest, suggest.HEARTBEAT),
        (suggest.HeartbeatRequest, suggest.WITH_PROGRESS),
        (suggest.HeartbeatAnswer, suggest.BEAT),
        (trials.TrialSchema, trials.RUNNING),
        (trials.TrialSchema, trials.COMPLETED),
        (trials.AttemptSchema, trials.ATTEMPT),
        (trials.ObservationSchema, trials.OBSERVATION),
        (trials.ProgressSchema, trials.PROGRESS),
        (studies.StudyRequest, studies.CREATE),
        (studies.StudySchema, studies.STUDY),
        (studies.StoppingSchema, studies.ASHA),
        (studies.StoppingSchema, studies.MEDIAN),
        (files.ImportAnswer, files.IMPORTED),
        (latents.EncodeRequest, latents.ENCODE),
        (latents.EncodeAnswer, latents.ENCODED),
        (latents.DecodeRequest, latents.DECODE),
        (latents.DecodeAnswer, latents.DECODED),
        (catalogue.SpaceSchema, catalogue.SPACE),
        (catalogue.SpaceSchema, catalogue.MY_SPACE),
        (catalogue.ModelSchema, catalogue.MODEL),
        (catalogue.ReadyAnswer, catalogue.READY),
    ],
)
def test_examples_fit_their_schemas(schema: Any, value: Any) -> None:
    adapter = TypeAdapter(schema)
    assert adapter.validate_python(value) == adapter.validate_python(adapter.dump_python(adapter.validate_python(value)))


async def test_the_example_conversation_can_be_had(service: Service) -> None:
    await service.post("/studies", studies.CREATE, 201)
    trial = (await service.post("/suggest", suggest.SUGGEST))["trials"][0]
    assert set(trial) == set(trials.RUNNING)
    progress = [suggest.WITH_PROGRESS["progress"][0] | {"trial": trial["id"]}]
    beat = await service.post("/heartbeat", suggest.WITH_PROGRESS | {"progress": progress})
    assert (set(beat), beat["dropped"]) == (set(suggest.BEAT), [])
    await service.post("/observe", observe.OBSERVE | {"trial": trial["id"]})
    await service.post("/observe", observe.ELSEWHERE)
    await service.post("/encode", latents.ENCODE)
    assert await service.post("/spaces", catalogue.MINE, 201) == catalogue.MY_SPACE
    await service.post("/studies", studies.CREATE | {"name": "lines", "space": "nasbench201"}, 201)
    examples = files.IMPORT_BODY["requestBody"]["content"]
    for study, kind in (("lines", "text/csv"), ("demo", "application/jsonl")):
        path, headers = f"/studies/{study}/import", {"Content-Type": kind}
        assert (await service.client.post(path, content=examples[kind]["example"], headers=headers)).json()["imported"] == 1


async def test_the_pages_for_people_need_no_network(service: Service) -> None:
    response = await service.client.get("/")
    assert response.is_redirect
    for page in (response.headers["location"], "/redoc"):
        text = (await service.client.get(f"/{page.lstrip('/')}")).text
        assets = re.findall(r'(?:src|href)="([^"]+)"', text)
        assert len(assets) >= 2
        for asset in assets:
            assert not asset.startswith(("http", "//")), asset
            assert (await service.client.get(asset.removeprefix("."))).status_code == 200, asset
