import asyncio
import hashlib
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from service.storage import replays
from service.storage.replays import PendingRequest
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


async def test_a_request_that_takes_long_shows_signs_of_life_and_others_are_told_to_come_again(
    demo: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in (("_RENEW_SECONDS", 0.02), ("_PATIENCE_SECONDS", 0.1)):
        monkeypatch.setattr(f"service.studies.replays.{name}", seconds)
    demo.worker.gate.clear()
    body = {"study": "demo", "worker": "w", "wait": 60}
    first = asyncio.create_task(demo.client.post("/suggest", json=body, headers=KEY))
    while not demo.worker.requests:
        await asyncio.sleep(0.01)
    for _ in range(2):
        again = await demo.client.post("/suggest", json=body, headers=KEY)
        assert (again.status_code, again.json()["code"], again.headers["retry-after"]) == (409, "request_in_progress", "1")
        demo.clock.advance(5)
        await asyncio.sleep(0.1)
    other = await demo.client.post("/suggest", json=body | {"worker": "v"}, headers=KEY)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    demo.worker.gate.set()
    assert (await demo.client.post("/suggest", json=body, headers=KEY)).content == (await first).content


async def test_a_request_whose_process_died_is_taken_over(demo: Service) -> None:
    database, body = demo.app.state.context.database, {"study": "demo", "worker": "w"}
    content = demo.client.build_request("POST", "/suggest", json=body).content
    fingerprint = hashlib.sha256(b"/suggest\0application/json\0" + content).hexdigest()

    def die(session: Session) -> bool:
        return replays.begin(session, KEY["Idempotency-Key"], PendingRequest(fingerprint, "dead", database.now(session)))

    assert database.write_here(die)
    waiting = [asyncio.create_task(demo.client.post("/suggest", json=body, headers=KEY)) for _ in range(4)]
    await asyncio.sleep(0.2)
    assert not any(task.done() for task in waiting)
    demo.clock.advance(10)
    responses = await asyncio.gather(*waiting)
    assert {response.status_code for response in responses} == {200}
    assert sum("idempotency-replayed" in response.headers for response in responses) == 3
    late = database.write_here(lambda session: replays.renew(session, KEY["Idempotency-Key"], "dead", database.now(session)))
    assert not late


async def test_a_holder_that_was_taken_for_dead_gives_the_answer_that_counts(demo: Service) -> None:
    demo.worker.gate.clear()
    body = {"study": "demo", "worker": "w", "wait": 60}
    first = asyncio.create_task(demo.client.post("/suggest", json=body, headers=KEY))
    while not demo.worker.requests:
        await asyncio.sleep(0.01)
    demo.clock.advance(10)
    second = asyncio.create_task(demo.client.post("/suggest", json=body, headers=KEY))
    await asyncio.sleep(0.2)
    demo.worker.gate.set()
    responses = [await first, await second]
    assert [response.status_code for response in responses] == [200, 200]
    assert responses[0].content == responses[1].content


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
