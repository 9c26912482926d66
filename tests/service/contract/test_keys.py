"""Requests that come again under an `Idempotency-Key`, and who may ask at all."""

import asyncio
import secrets

import pytest

from service.storage.session import Database
from service.storage.values import KeyScope
from service.studies.keys import create_key, revoke_key
from tests.service.contract.app import SLOW
from tests.service.contract.caller import Caller, answer

pytestmark = pytest.mark.anyio


def new_key() -> dict[str, str]:
    return {"Idempotency-Key": secrets.token_hex(8)}


async def test_every_post_again_is_answered_to_the_letter_by_whatever_process(caller: Caller) -> None:
    study = await caller.study()
    (trial,) = await caller.suggest(study, "w")
    graph = trial["architecture"]
    bodies = [
        ("/studies", {"name": f"{study}-2", "space": "nasbench201"}),
        ("/suggest", {"study": study, "worker": "w", "count": 2}),
        ("/heartbeat", {"worker": "w", "trials": [trial["id"]]}),
        ("/observe", {"trial": trial["id"], "attempt": 1, "value": 0.5}),
        ("/observe", {"trial": trial["id"], "attempt": 1, "value": 0.75}),
        (f"/studies/{study}/enqueue", {"architectures": [graph]}),
        ("/encode", {"study": study, "architectures": [graph]}),
        ("/decode", {"study": study, "latents": [[0.0, 0.0, 0.0, 0.0]]}),
        (f"/studies/{study}/close", None),
        (f"/studies/{study}/reopen", None),
    ]
    for path, body in bodies:
        key = new_key()
        first, again = [await caller.send("POST", path, json=body, headers=key) for _ in range(2)]
        assert (again.status_code, again.content) == (first.status_code, first.content), path
        assert ("idempotency-replayed" in first.headers, again.headers.get("idempotency-replayed")) == (False, "true"), path
        other = await caller.send("POST", path, json={"study": "another"}, headers=key)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused"), path


async def test_one_key_at_all_processes_at_once_is_one_request(caller: Caller) -> None:
    for _ in range(5):
        key, body = new_key(), {"name": f"study-{secrets.token_hex(8)}", "space": "nasbench201"}
        responses = await asyncio.gather(*(caller.send("POST", "/studies", json=body, headers=key) for _ in range(6)))
        assert {response.status_code for response in responses} == {201}, [response.text for response in responses]
        assert len({response.content for response in responses}) == 1
        assert sum("idempotency-replayed" in response.headers for response in responses) == 5


async def test_a_request_that_comes_again_while_it_is_worked_on_waits_for_its_answer(caller: Caller) -> None:
    study, key = await caller.study(initial_size=SLOW), new_key()
    body = {"study": study, "worker": "w", "count": 2}
    first = asyncio.create_task(caller.send("POST", "/suggest", json=body, headers=key))
    await asyncio.sleep(0.1)
    again = await caller.send("POST", "/suggest", json=body, headers=key)
    assert (again.status_code, again.content) == (200, (await first).content)
    assert len(await caller.trials(study)) == 2


async def test_a_key_opens_what_its_scope_names_and_nothing_without_one(caller: Caller) -> None:
    study = await caller.study()
    database, name = Database(caller.deployment.database_url), secrets.token_hex(4)
    tokens = {scope: create_key(database, f"{name}-{scope}", scope) for scope in KeyScope}
    calls = [
        ("GET", f"/studies/{study}", None, KeyScope.READ),
        ("POST", "/suggest", {"study": study, "worker": "w"}, KeyScope.OBSERVE),
        ("POST", f"/studies/{study}/close", None, KeyScope.ADMIN),
    ]
    async with caller.deployment.beside(auth="on") as client:
        assert answer(await client.get("/healthz"), 200) == {"status": "alive"}
        for method, path, body, needed in calls:
            assert answer(await client.request(method, path, json=body), 401)["code"] == "unauthenticated"
            wrong = {"Authorization": "Bearer svge_guessed"}
            assert answer(await client.request(method, path, json=body, headers=wrong), 401)["code"] == "unauthenticated"
            for scope, token in tokens.items():
                response = await client.request(method, path, json=body, headers={"Authorization": f"Bearer {token}"})
                assert response.status_code == (200 if scope.includes(needed) else 403), (path, scope)
    for scope in KeyScope:
        revoke_key(database, f"{name}-{scope}")
    database.close()


async def test_limits_are_told_before_anything_is_done(caller: Caller) -> None:
    study = await caller.study()
    problem = await caller.post("/suggest", {"study": study, "worker": "w", "count": 257}, 422)
    assert problem["errors"][0]["pointer"] == "/count"
    large = await caller.send("POST", "/observe", content=b" " * (9 * 1024 * 1024), headers={"Content-Type": "application/json"})
    assert answer(large, 413)["code"] == "body_too_large"
    assert await caller.trials(study) == []
