import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from service.api.problems import BODY_TOO_LARGE, HTTP_KINDS, KINDS, MALFORMED_JSON
from service.errors import ServiceError
from tests.service.api.bad_bodies import BAD, CELL
from tests.service.api.harness import ONE_SPACE, Service, running

DOCUMENTED = Path(__file__).parents[3] / "docs" / "errors.md"


def test_every_code_is_documented() -> None:
    kinds = {*KINDS.values(), MALFORMED_JSON, BODY_TOO_LARGE, *(kind for kind, _ in HTTP_KINDS.values())}
    expected = {f"| {kind.status} | `{kind.code}` | {kind.title} |" for kind in kinds}
    found = [line for line in DOCUMENTED.read_text().splitlines() if line.startswith("| ") and "`" in line]
    assert sorted(found) == sorted(expected)


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
    for path, methods in (("/studies/demo", {"GET", "DELETE"}), ("/studies", {"GET", "POST"}), ("/decode", {"GET", "POST"})):
        assert set((await demo.client.options(path)).headers["allow"].split(", ")) >= methods
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
async def test_a_full_disk_is_a_507_and_what_is_stored_can_be_read(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.post("/studies", ONE_SPACE, 201)
        engine = service.app.state.context.database.engine
        event.listen(engine, "connect", lambda driver, _: driver.execute("PRAGMA max_page_count=1").close())  # = no page more
        engine.dispose()
        number, body = 0, {"study": "demo", "count": 20, "wait": 0}
        while (response := await service.client.post("/suggest", json=body | {"worker": f"w{number}"})).status_code == 200:
            number += 1
            assert number < 100
        problem = response.json()
        assert (response.status_code, problem["code"], response.headers.get("retry-after")) == (507, "storage_full", None)
        assert "make room" in problem["detail"]
        assert (await service.get("/studies/demo"))["trials"]["running"] == 20 * number
        keyed = await service.client.post("/studies", json=ONE_SPACE | {"name": "x" * 90}, headers={"Idempotency-Key": "k" * 200})
        assert keyed.status_code in (201, 507)


@pytest.mark.anyio
async def test_a_failure_nobody_foresaw_tells_no_internals(demo: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    async def explode(*_: Any) -> Any:
        raise RuntimeError("secret of the house")

    monkeypatch.setattr(demo.worker, "encode", explode)
    problem = await demo.post("/encode", {"space": "nasbench101", "architectures": [CELL]}, 500)
    assert problem["code"] == "internal_error"
    assert "secret" not in json.dumps(problem)
    assert problem["request_id"] in problem["detail"]
