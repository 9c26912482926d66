import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.service.api.harness import ONE_SPACE, Service
from tests.service.api.mutations import INJECTIONS, broken_texts, noise, pointer, wrong_values

pytestmark = pytest.mark.anyio

_JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def demo(service: Service) -> Service:
    await service.post("/studies", ONE_SPACE, 201)
    await service.post("/studies", {"name": "cells", "space": "nasbench101"}, 201)
    return service


async def stored(service: Service) -> Any:
    exports = [(await service.client.get(f"/studies/{name}/export?format=jsonl")).text for name in ("demo", "cells")]
    histories = [await service.get(f"/trials/{json.loads(line)['id']}") for export in exports for line in export.splitlines()]
    return await service.get("/studies"), histories


async def refused(service: Service, path: str, body: bytes) -> Any:
    """The problem that a body is answered with."""
    response = await service.client.post(path, content=body, headers=_JSON)
    assert 400 <= response.status_code < 500, (path, body[:300], response.status_code, response.text[:300])
    assert response.headers["content-type"] == "application/problem+json", (path, body[:300])
    assert "Traceback" not in response.text
    return response.json()


def near(place: str, problem: Any) -> bool:
    """Whether a fault is at a place, in it, or in what holds it."""
    given = [fault["pointer"] + "/" for fault in problem["errors"]]
    return any(fault.startswith(place + "/") or (place + "/").startswith(fault) for fault in given)


async def test_a_thousand_bad_bodies_are_refused_where_they_are_wrong_and_store_nothing(demo: Service) -> None:
    trial = (await demo.suggest("holder"))["trials"][0]["id"]
    before, sent = await stored(demo), 0
    for bad in wrong_values(trial):
        problem = await refused(demo, bad.path, bad.body.encode())
        assert problem["status"] == 404 or near(pointer(bad.place), problem), (bad, problem)
        sent += 1
    assert await stored(demo) == before
    assert sent >= 1000


async def test_what_is_no_json_is_told_so(demo: Service) -> None:
    for path, body in broken_texts("unheard-of"):
        problem = await refused(demo, path, body)
        assert (problem["status"], problem["code"]) == (400, "malformed_json"), (path, body[:300], problem)


async def test_noise_is_refused_and_stores_nothing(demo: Service) -> None:
    before = await stored(demo)
    for path, body in noise(500):
        await refused(demo, path, body)
    assert await stored(demo) == before


async def test_text_that_looks_like_a_statement_is_kept_to_the_letter(demo: Service) -> None:
    for text in INJECTIONS:
        (trial,) = (await demo.suggest(text))["trials"]
        report = {"trial": trial["id"], "attempt": 1, "value": 0.5, "reason": text, "metrics": {text: 1.0}}
        await demo.post("/observe", report)
        history = await demo.get(f"/trials/{trial['id']}")
        assert (history["trial"]["worker"], history["trial"]["reason"]) == (text, text)
        assert history["observations"][0]["metrics"] == {text: 1.0}
    assert (await demo.get("/studies/demo"))["trials"]["completed"] == len(INJECTIONS)


async def test_strange_paths_and_parameters_find_nothing(demo: Service) -> None:
    before = await stored(demo)
    for text in (*INJECTIONS, "\x00", "\ufffe", "9" * 5000, "-1", "NaN", "1e999"):
        await nothing_is_found(demo, quote(text, safe=""))
    assert await stored(demo) == before


async def nothing_is_found(demo: Service, quoted: str) -> None:
    for path in (
        f"/studies/{quoted}",
        f"/studies/{quoted}/trials",
        f"/studies/{quoted}/export",
        f"/trials/{quoted}",
        f"/studies/demo/trials?state={quoted}",
        f"/studies/demo/trials?cursor={quoted}",
        f"/studies/demo/trials?limit={quoted}",
        f"/studies/demo/best?k={quoted}",
        f"/decode?study={quoted}&z=0,0,0,0",
        f"/decode?study=demo&z={quoted}",
        f"/decode?trial={quoted}",
        f"/decode?study=demo&random=1&seed={quoted}",
    ):
        response = await demo.client.get(path)
        assert response.status_code in (404, 405, 422), (path, response.status_code, response.text[:300])
        assert response.headers["content-type"] == "application/problem+json"
    for path in (f"/studies/{quoted}", f"/studies/{quoted}/close", f"/studies/{quoted}/enqueue"):
        for method in ("DELETE", "POST"):
            response = await demo.client.request(method, path, json={"architectures": []})
            assert 400 <= response.status_code < 500, (method, path, response.text[:300])
