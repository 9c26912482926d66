"""Query parameters that an operation does not have are refused by name, on every operation that is for people and trainers."""

import pytest

from tests.service.api.harness import ONE_SPACE, Service

pytestmark = pytest.mark.anyio

OPEN_TO_ANY = {"/healthz", "/readyz", "/version", "/metrics"}
"""Probes and scrapers add what they like to their requests."""


async def test_a_misspelt_filter_is_named_beside_those_there_are(service: Service) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    answer = await service.get("/studies/demo/trials", 422, states="completed", limit=3)
    (fault,) = answer["errors"]
    assert fault["pointer"] == "/states"
    assert all(name in fault["message"] for name in ("'states'", "cursor", "limit", "since", "state", "tag"))


async def test_pointers_are_escaped_and_long_names_cut(service: Service) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    answer = await service.get("/studies/demo", 422, **{"a/b~": "1", "x" * 5000: "2"})
    assert [fault["pointer"] for fault in answer["errors"]] == ["/a~1b~0", "/" + "x" * 60]


async def test_every_operation_refuses_one(service: Service) -> None:
    paths = (await service.client.get("/openapi.json")).json()["paths"]
    checked = 0
    for path, operations in paths.items():
        if path in OPEN_TO_ANY:
            continue
        for method in operations:
            url = path.replace("{name}", "a").replace("{trial}", "a")
            response = await service.client.request(method, url, params={"nonsense": "1"}, json={})
            assert response.status_code == 422, (method, path)
            assert any(fault["pointer"] == "/nonsense" for fault in response.json()["errors"]), (method, path, response.text)
            checked += 1
    assert checked > 30


@pytest.mark.parametrize("path", sorted(OPEN_TO_ANY))
async def test_probes_may_say_anything(service: Service, path: str) -> None:
    assert (await service.client.get(path, params={"_": "1"})).status_code == (await service.client.get(path)).status_code
