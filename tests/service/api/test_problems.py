import json
from collections.abc import Iterator
from typing import Any

import pytest

from service.api.problems import KINDS
from service.errors import ServiceError
from tests.service.api.harness import ONE_SPACE, Service

CELL = {"space": "nasbench101", "nodes": ["input", "conv3x3", "maxpool3x3", "output"], "edges": [[0, 1], [1, 2], [2, 3]]}


def tree(root: type[ServiceError]) -> Iterator[type[ServiceError]]:
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


def test_every_error_has_a_row_and_every_row_its_own_code() -> None:
    assert set(KINDS) == set(tree(ServiceError))
    codes = [kind.code for kind in KINDS.values()]
    assert len(set(codes)) == len(codes)
    assert all(400 <= kind.status < 600 for kind in KINDS.values())


@pytest.fixture
async def demo(service: Service) -> Service:
    await service.post("/studies", ONE_SPACE, 201)
    await service.post("/studies", {"name": "cells", "space": "nasbench101"}, 201)
    return service


async def stored(service: Service) -> Any:
    """All that bad input must leave as it was."""
    exports = [(await service.client.get(f"/studies/{name}/export")).text for name in ("demo", "cells")]
    return exports, await service.get("/studies")


async def send(service: Service, path: str, content: str, content_type: str = "application/json") -> Any:
    response = await service.client.post(path, content=content.encode(), headers={"Content-Type": content_type})
    assert response.headers["content-type"] == "application/problem+json", response.text
    assert "Traceback" not in response.text
    return response.status_code, response.json()


def encode_body(**changes: Any) -> str:
    return json.dumps({"space": "nasbench101", "architectures": [CELL, CELL | changes]})


def trial_body(**changes: Any) -> str:
    return json.dumps({"trial": "TRIAL", "attempt": 1, "value": 0.5} | changes)


NODES = ["input", "conv3x3", "conv1x1", "output"]
BAD: dict[str, tuple[str, str, int, str, str, str]] = {
    "a cycle": (
        "/encode",
        encode_body(edges=[[0, 1], [1, 2], [2, 1], [2, 3]]),
        422,
        "invalid_architecture",
        "/architectures/1/edges",
        "cycle",
    ),
    "an unknown operation": (
        "/encode",
        encode_body(nodes=["input", "conv3x3", "conv9x9", "output"]),
        422,
        "invalid_architecture",
        "/architectures/1/nodes/2",
        "conv3x3",
    ),
    "too many edges": (
        "/encode",
        encode_body(
            nodes=["input", *["conv3x3"] * 5, "output"],
            edges=[[0, 1], [0, 2], [0, 3], [0, 4], [0, 5], [1, 6], [2, 6], [3, 6], [4, 6], [5, 6]],
        ),
        422,
        "invalid_architecture",
        "/architectures/1/edges",
        "at most 9 edges, got 10",
    ),
    "an unreachable node": (
        "/encode",
        encode_body(edges=[[0, 1], [1, 3], [2, 3]]),
        422,
        "invalid_architecture",
        "/architectures/1/nodes/2",
        "connect",
    ),
    "another space": (
        "/encode",
        encode_body(space="enas_macro"),
        422,
        "invalid_architecture",
        "/architectures/1/space",
        "nasbench101",
    ),
    "a negative node": (
        "/encode",
        encode_body(edges=[[-1, 1]]),
        422,
        "invalid_request",
        "/architectures/1/edges/0/0",
        "greater than",
    ),
    "a huge node": ("/encode", encode_body(edges=[[10**50, 1]]), 422, "invalid_request", "/architectures/1/edges/0/0", "38 digits"),
    "an edge of three": (
        "/encode",
        encode_body(edges=[[0, 1, 2]]),
        422,
        "invalid_request",
        "/architectures/1/edges/0",
        "at most 2",
    ),
    "no architectures": (
        "/encode",
        '{"space": "nasbench101", "architectures": []}',
        422,
        "invalid_request",
        "/architectures",
        "at least 1",
    ),
    "no space": ("/encode", json.dumps({"architectures": [CELL]}), 422, "invalid_request", "/space", "exactly one of"),
    "an unknown space": (
        "/encode",
        json.dumps({"space": "nowhere", "architectures": [CELL]}),
        404,
        "space_not_found",
        "",
        "GET /spaces",
    ),
    "an unknown model": (
        "/encode",
        json.dumps({"model": "nothing", "architectures": [CELL]}),
        404,
        "model_not_found",
        "",
        "GET /models",
    ),
    "a short latent": (
        "/decode",
        '{"study": "demo", "latents": [[0, 0, 0, 0], [1, 2]]}',
        422,
        "invalid_request",
        "/latents/1",
        "expected 4 numbers",
    ),
    "NaN in a latent": (
        "/decode",
        '{"study": "demo", "latents": [[0, 0, NaN, 0]]}',
        422,
        "invalid_request",
        "/latents/0/2",
        "finite",
    ),
    "an infinite latent": (
        "/decode",
        '{"study": "demo", "latents": [[0, 0, 0, -Infinity]]}',
        422,
        "invalid_request",
        "/latents/0/3",
        "finite",
    ),
    "too many samples": (
        "/decode",
        '{"study": "demo", "latents": [[0, 0, 0, 0]], "samples": 20001}',
        422,
        "invalid_request",
        "/samples",
        "20000 decodings",
    ),
    "an unknown study": ("/suggest", '{"study": "nowhere", "worker": "w"}', 404, "study_not_found", "", "POST /studies"),
    "no worker": ("/suggest", '{"study": "demo"}', 422, "invalid_request", "/worker", "add it"),
    "a typo": ("/suggest", '{"study": "demo", "worker": "w", "cuont": 2}', 422, "invalid_request", "/cuont", "spelling"),
    "no trials wanted": (
        "/suggest",
        '{"study": "demo", "worker": "w", "count": 0}',
        422,
        "invalid_request",
        "/count",
        "greater than",
    ),
    "too many trials": (
        "/suggest",
        '{"study": "demo", "worker": "w", "count": 257}',
        422,
        "invalid_request",
        "/count",
        "at most 256",
    ),
    "an endless wait": (
        "/suggest",
        '{"study": "demo", "worker": "w", "wait": 1e9}',
        422,
        "invalid_request",
        "/wait",
        "at most 120",
    ),
    "a control character": ("/suggest", '{"study": "demo", "worker": "a\\u0000b"}', 422, "invalid_request", "/worker", "pattern"),
    "half a character": ("/suggest", '{"study": "demo", "worker": "\\ud800"}', 422, "invalid_request", "/worker", "correct"),
    "half a character in a label": (
        "/encode",
        encode_body(nodes=["input", "\ud800", "output"]),
        422,
        "invalid_request",
        "/architectures/1/nodes/1",
        "",
    ),
    "value NaN": ("/observe", trial_body(value=float("nan")), 422, "invalid_request", "/value", "finite"),
    "value Infinity": ("/observe", trial_body(value=float("inf")), 422, "invalid_request", "/value", "finite"),
    "a value beyond all floats": (
        "/observe",
        '{"trial": "TRIAL", "attempt": 1, "value": 1e999}',
        422,
        "invalid_request",
        "/value",
        "finite",
    ),
    "a huge integer": ("/observe", trial_body(value=10**400), 422, "invalid_request", "/value", "38 digits"),
    "an integer no parser takes": ("/observe", '{"value": ' + "1" * 5000 + "}", 400, "malformed_json", "", "JSON"),
    "a value as text": ("/observe", trial_body(value="0.5"), 422, "invalid_request", "/value", "number"),
    "a value that is true": ("/observe", trial_body(value=True), 422, "invalid_request", "/value", "number"),
    "NaN in metrics": ("/observe", trial_body(metrics={"loss": float("nan")}), 422, "invalid_request", "/metrics/loss", "finite"),
    "a negative std": ("/observe", trial_body(std=-1.0), 422, "invalid_request", "/std", "greater than"),
    "an unknown trial": ("/observe", trial_body(trial="unheard-of"), 404, "trial_not_found", "/trial", "suggest"),
    "an unknown status": ("/observe", trial_body(status="done"), 422, "invalid_request", "/status", "'completed'"),
    "NaN in a list": (
        "/observe",
        f"[{trial_body()}, {trial_body(value=float('nan'))}]",
        422,
        "invalid_request",
        "/1/value",
        "finite",
    ),
    "an empty list": ("/observe", "[]", 422, "invalid_request", "", "at least 1"),
    "a number for a body": ("/observe", "3", 422, "invalid_request", "", "object"),
    "a bad foreign architecture": (
        "/observe",
        json.dumps({"study": "cells", "architecture": {"nodes": NODES, "edges": [[0, 1], [1, 3]]}, "value": 0.5}),
        422,
        "invalid_architecture",
        "/architecture/nodes/2",
        "connect",
    ),
    "a foreign result for no study": (
        "/observe",
        json.dumps({"study": "nowhere", "architecture": CELL, "value": 0.5}),
        404,
        "study_not_found",
        "",
        "GET /studies",
    ),
    "malformed JSON": ("/observe", '{"trial": ', 400, "malformed_json", "", "character"),
    "no UTF-8": ("/observe", '{"trial": "\udcff"}', 400, "malformed_json", "", "UTF-8"),
    "deeply nested JSON": ("/observe", "[" * 100_000, 400, "malformed_json", "", "JSON"),
    "an empty body": ("/observe", "", 422, "invalid_request", "", "Content-Type"),
    "a study that exists": ("/studies", json.dumps(ONE_SPACE), 409, "study_exists", "", "another name"),
    "a bad name": ("/studies", json.dumps(ONE_SPACE | {"name": "../etc"}), 422, "invalid_request", "/name", "pattern"),
    "a study of no space": (
        "/studies",
        json.dumps(ONE_SPACE | {"name": "x", "space": "nowhere"}),
        404,
        "space_not_found",
        "",
        "GET /spaces",
    ),
    "a model of another space": (
        "/studies",
        json.dumps(ONE_SPACE | {"name": "x", "model": "cells"}),
        422,
        "invalid_request",
        "/model",
        "nasbench201",
    ),
    "a huge seed": ("/studies", json.dumps(ONE_SPACE | {"name": "x", "seed": 2**63}), 422, "invalid_request", "/seed", "less than"),
    "an objective": (
        "/studies",
        json.dumps(ONE_SPACE | {"name": "x", "objective": "best"}),
        422,
        "invalid_request",
        "/objective",
        "'maximize'",
    ),
}


@pytest.mark.anyio
async def test_bad_input_is_a_problem_that_names_field_and_remedy_and_stores_nothing(demo: Service) -> None:
    trial = (await demo.suggest("holder"))["trials"][0]
    before = await stored(demo)
    for name, (path, content, status, code, pointer, remedy) in BAD.items():
        body = content.replace("TRIAL", trial["id"]).encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
        response = await demo.client.post(
            path, content=body.encode("utf-8", "surrogateescape"), headers={"Content-Type": "application/json"}
        )
        assert response.headers["content-type"] == "application/problem+json", (name, response.text)
        problem = response.json()
        assert (response.status_code, problem["code"]) == (status, code), (name, problem)
        assert (problem["errors"] or [{"pointer": ""}])[0]["pointer"] == pointer, (name, problem)
        assert remedy in problem["detail"], (name, problem)
        assert "Traceback" not in response.text
    assert await stored(demo) == before


@pytest.mark.anyio
async def test_a_body_of_the_wrong_kind_is_told_which_is_right(demo: Service) -> None:
    status, problem = await send(demo, "/observe", '{"trial": "t"}', "text/plain")
    assert (status, problem["code"]) == (422, "invalid_request")
    assert "application/json" in problem["detail"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"study": "demo", "z": "0,0,0"}, "/z"),
        ({"study": "demo", "z": "0,0,nan,0"}, "/z/2"),
        ({"study": "demo", "z": "0,0,,0"}, "/z/2"),
        ({"study": "demo", "z": "0,0,1e999,inf"}, "/z/2"),
        ({"study": "demo", "z": "0,0,-1e38,0"}, "/z"),
        ({"study": "demo"}, "/z"),
        ({"study": "demo", "z": "0,0,0,0", "random": 2}, "/z"),
        ({"z": "0,0,0,0"}, "/study"),
        ({"study": "demo", "model": "lines", "z": "0,0,0,0"}, "/study"),
        ({"study": "demo", "from": "0,0,0,0"}, "/to"),
        ({"study": "demo", "from": "0,0,0,0", "to": "0,0,0"}, "/to"),
        ({"study": "demo", "random": 0}, "/random"),
        ({"study": "demo", "random": 5001}, "/random"),
        ({"study": "demo", "z": "0,0,0,0", "mode": "best"}, "/mode"),
        ({"study": "demo", "z": "0,0,0,0", "samples": "many"}, "/samples"),
    ],
)
async def test_bad_parameters_are_named(demo: Service, params: dict[str, Any], pointer: str) -> None:
    problem = await demo.get("/decode", 422, **params)
    assert problem["errors"][0]["pointer"] == pointer


@pytest.mark.anyio
async def test_the_frameworks_own_errors_are_problems_too(demo: Service) -> None:
    assert (await demo.get("/nowhere", 404))["code"] == "route_not_found"
    response = await demo.client.put("/suggest")
    assert (response.status_code, response.json()["code"], response.headers["allow"]) == (405, "method_not_allowed", "POST")
    assert (await demo.get("/studies/demo/trials", 422, cursor="rubbish"))["errors"][0]["pointer"] == "/cursor"
    assert (await demo.get("/studies/demo/trials", 422, state="odd"))["errors"][0]["pointer"] == "/state"
    assert (await demo.get("/studies/nowhere/trials", 404))["code"] == "study_not_found"
    assert (await demo.get("/studies/nowhere/export", 404))["code"] == "study_not_found"
    assert (await demo.get("/trials/unheard-of", 404))["code"] == "trial_not_found"


@pytest.mark.anyio
async def test_a_model_worker_that_is_lost_is_a_503_that_says_when_to_come_again(demo: Service) -> None:
    demo.worker.lost = True
    response = await demo.client.post("/encode", json={"space": "nasbench101", "architectures": [CELL]})
    assert (response.status_code, response.json()["code"], response.headers["retry-after"]) == (503, "model_unavailable", "1")


@pytest.mark.anyio
async def test_a_failure_nobody_foresaw_tells_no_internals(demo: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    async def explode(*_: Any) -> Any:
        raise RuntimeError("secret of the house")

    monkeypatch.setattr(demo.worker, "encode", explode)
    problem = await demo.post("/encode", {"space": "nasbench101", "architectures": [CELL]}, 500)
    assert problem["code"] == "internal_error"
    assert "secret" not in json.dumps(problem)
    assert problem["request_id"] in problem["detail"]
