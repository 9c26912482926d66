import asyncio
from pathlib import Path

import pytest

from service.studies.replays import forget_old
from tests.service.api.harness import ONE_SPACE, Service, running

pytestmark = pytest.mark.anyio

KEY = {"Idempotency-Key": "key-1"}


@pytest.fixture
async def demo(service: Service) -> Service:
    await service.post("/studies", ONE_SPACE, 201)
    return service


async def test_every_post_again_under_its_key_gets_the_same_answer_to_the_letter(service: Service) -> None:
    bodies = {
        "/studies": ONE_SPACE,
        "/suggest": {"study": "demo", "worker": "w", "count": 2},
        "/heartbeat": {"worker": "w", "trials": []},
        "/decode": {"study": "demo", "latents": [[0.0, 0.0, 0.0, 0.0]]},
        "/observe": {"trial": "unheard-of", "attempt": 1},
    }
    for path, body in bodies.items():
        first, again = [await service.client.post(path, json=body, headers={"Idempotency-Key": path}) for _ in range(2)]
        assert (again.status_code, again.content, again.headers["content-type"]) == (
            first.status_code,
            first.content,
            first.headers["content-type"],
        )
        assert "idempotency-replayed" not in first.headers
        assert again.headers["idempotency-replayed"] == "true"


async def test_a_key_belongs_to_one_request(demo: Service) -> None:
    body = {"study": "demo", "worker": "w"}
    await demo.client.post("/suggest", json=body, headers=KEY)
    for path, other in (("/suggest", body | {"count": 2}), ("/heartbeat", {"worker": "w", "trials": []})):
        response = await demo.client.post(path, json=other, headers=KEY)
        assert (response.status_code, response.json()["code"]) == (422, "idempotency_key_reused")
    assert (await demo.get("/studies/demo"))["trials"]["running"] == 1


async def test_the_same_request_many_times_at_once_is_answered_once(demo: Service) -> None:
    body = {"study": "demo", "worker": "w"}
    responses = await asyncio.gather(*(demo.client.post("/suggest", json=body, headers=KEY) for _ in range(8)))
    assert len({response.content for response in responses}) == 1
    assert sum("idempotency-replayed" in response.headers for response in responses) == 7


async def test_an_answer_outlives_the_process(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        first = await service.client.post("/studies", json=ONE_SPACE, headers=KEY)
    async with running(tmp_path) as service:
        assert (await service.client.post("/studies", json=ONE_SPACE, headers=KEY)).content == first.content


async def test_a_failure_of_the_service_is_not_kept(demo: Service) -> None:
    body = {"space": "nasbench201", "architectures": [(await demo.suggest("w"))["trials"][0]["architecture"]]}
    demo.worker.lost = True
    assert (await demo.client.post("/encode", json=body, headers=KEY)).status_code == 503
    demo.worker.lost = False
    assert (await demo.client.post("/encode", json=body, headers=KEY)).status_code == 200


async def test_what_does_not_exist_yet_is_not_kept(service: Service) -> None:
    body = {"study": "demo", "worker": "w"}
    assert (await service.client.post("/suggest", json=body, headers=KEY)).status_code == 404
    await service.post("/studies", ONE_SPACE, 201)
    assert (await service.client.post("/suggest", json=body, headers=KEY)).status_code == 200


async def test_a_refusal_is_kept(demo: Service) -> None:
    first, again = [await demo.client.post("/studies", json=ONE_SPACE, headers=KEY) for _ in range(2)]
    assert (first.status_code, again.status_code, again.headers["idempotency-replayed"]) == (409, 409, "true")


async def test_old_answers_are_forgotten(demo: Service) -> None:
    body = {"study": "demo", "worker": "w"}
    await demo.client.post("/suggest", json=body, headers=KEY)
    demo.clock.advance(23 * 3600)
    await forget_old(demo.app.state.context)
    assert "idempotency-replayed" in (await demo.client.post("/suggest", json=body, headers=KEY)).headers
    demo.clock.advance(2 * 3600)
    await forget_old(demo.app.state.context)
    assert "idempotency-replayed" not in (await demo.client.post("/suggest", json=body, headers=KEY)).headers


@pytest.mark.parametrize("key", ["", "a b", "x" * 201, "\x7f"])
async def test_a_key_that_is_none_is_refused(demo: Service, key: str) -> None:
    response = await demo.client.post("/suggest", json={"study": "demo", "worker": "w"}, headers={"Idempotency-Key": key})
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/Idempotency-Key")
