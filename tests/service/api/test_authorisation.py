"""Keys: what is open without one, what each scope may do, and that nothing gets past the check."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.api.authorisation import needed_scope
from service.settings import Settings, is_loopback
from service.storage.session import Database
from service.storage.values import KeyScope
from service.studies import keys
from tests.service.api.harness import ONE_SPACE, Service, running

pytestmark = pytest.mark.anyio

CALLS: list[tuple[str, str, Any, KeyScope]] = [
    ("GET", "/studies", None, KeyScope.READ),
    ("GET", "/studies/demo", None, KeyScope.READ),
    ("GET", "/studies/demo/export", None, KeyScope.READ),
    ("GET", "/models", None, KeyScope.READ),
    ("POST", "/encode", {"space": "nasbench101", "architectures": []}, KeyScope.READ),
    ("POST", "/suggest", {"study": "demo", "worker": "a"}, KeyScope.OBSERVE),
    ("POST", "/heartbeat", {"worker": "a", "trials": []}, KeyScope.OBSERVE),
    ("POST", "/observe", [], KeyScope.OBSERVE),
    ("POST", "/studies", ONE_SPACE, KeyScope.ADMIN),
    ("POST", "/studies/demo/close", {}, KeyScope.ADMIN),
    ("POST", "/studies/demo/enqueue", {"architectures": []}, KeyScope.ADMIN),
    ("POST", "/studies/demo/import", {}, KeyScope.ADMIN),
    ("DELETE", "/studies/nothing", None, KeyScope.ADMIN),
    ("POST", "/spaces", {}, KeyScope.ADMIN),
    ("PUT", "/models/mine", None, KeyScope.ADMIN),
    ("DELETE", "/models/nothing", None, KeyScope.ADMIN),
]


ANY, READ, OBSERVE, ADMIN = None, KeyScope.READ, KeyScope.OBSERVE, KeyScope.ADMIN
SCOPES: dict[str, dict[str, KeyScope | None]] = {
    "/decode": {"get": READ, "post": READ},
    "/encode": {"post": READ},
    "/healthz": {"get": ANY},
    "/heartbeat": {"post": OBSERVE},
    "/metrics": {"get": READ},
    "/models": {"get": READ},
    "/models/{name}": {"put": ADMIN, "delete": ADMIN},
    "/observe": {"post": OBSERVE},
    "/predict": {"post": READ},
    "/readyz": {"get": ANY},
    "/spaces": {"get": READ, "post": ADMIN},
    "/studies": {"get": READ, "post": ADMIN},
    "/studies/{name}": {"get": READ, "patch": ADMIN, "delete": ADMIN},
    "/studies/{name}/best": {"get": READ},
    "/studies/{name}/close": {"post": ADMIN},
    "/studies/{name}/curve": {"get": READ},
    "/studies/{name}/enqueue": {"post": ADMIN},
    "/studies/{name}/export": {"get": READ},
    "/studies/{name}/import": {"post": ADMIN},
    "/studies/{name}/latent-map": {"get": READ},
    "/studies/{name}/model": {"post": ADMIN},
    "/studies/{name}/pareto": {"get": READ},
    "/studies/{name}/reopen": {"post": ADMIN},
    "/studies/{name}/trials": {"get": READ},
    "/suggest": {"post": OBSERVE},
    "/trials/{trial}": {"get": READ, "patch": ADMIN},
    "/trials/{trial}/progress": {"get": READ},
    "/trials/{trial}/replicate": {"post": ADMIN},
    "/version": {"get": ANY},
}
"""What every operation needs; None is open to all."""


@pytest.fixture
async def guarded(tmp_path: Path, database_url: str) -> AsyncIterator[Service]:
    async with running(tmp_path, database_url=database_url, auth="on") as service:
        yield service


def bearer(service: Service, scope: KeyScope) -> dict[str, str]:
    token = keys.create_key(service.app.state.context.database, str(scope), scope)
    return {"Authorization": f"Bearer {token}"}


async def call(service: Service, method: str, path: str, body: Any, headers: dict[str, str]) -> httpx.Response:
    return await service.client.request(method, path, json=body, headers=headers)


async def test_every_operation_has_its_scope(service: Service) -> None:
    document = await service.get("/openapi.json")
    named = {
        path: {
            method: needed_scope(method.upper(), path.replace("{name}", "encode").replace("{trial}", "suggest")) for method in found
        }
        for path, found in document["paths"].items()
    }
    assert named == SCOPES


async def test_each_scope_may_do_what_it_says_and_no_more(guarded: Service) -> None:
    headers = {scope: bearer(guarded, scope) for scope in KeyScope}
    assert (await call(guarded, "POST", "/studies", ONE_SPACE, headers[KeyScope.ADMIN])).status_code == 201
    for method, path, body, needed in CALLS:
        for scope in KeyScope:
            answer = await call(guarded, method, path, body, headers[scope])
            if scope.includes(needed):
                assert answer.status_code not in (401, 403), (method, path, scope)
            else:
                assert (answer.status_code, answer.json()["code"]) == (403, "denied"), (method, path, scope)
                assert f"needs a key with the scope '{needed}', yours has '{scope}'" in answer.json()["detail"]


@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer ", "Bearer svge_wrong", "Basic c3ZnZTpzdmdl", "Bearer \x00"])
async def test_without_a_key_there_is_nothing_but_probes_and_documents(guarded: Service, given: str | None) -> None:
    headers = {} if given is None else {"Authorization": given}
    for method, path, body, _ in CALLS:
        answer = await call(guarded, method, path, body, headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"
        assert "svge keys create" in answer.json()["detail"]
    for path in ("/healthz", "/readyz", "/version", "/openapi.json", "/docs"):
        assert (await guarded.client.get(path, headers=headers)).status_code == 200


async def test_a_stored_answer_is_not_given_to_somebody_without_a_key(guarded: Service) -> None:
    admin = bearer(guarded, KeyScope.ADMIN)
    first = await call(guarded, "POST", "/studies", ONE_SPACE, {**admin, "Idempotency-Key": "k"})
    assert first.status_code == 201
    assert (await call(guarded, "POST", "/studies", ONE_SPACE, {"Idempotency-Key": "k"})).status_code == 401
    again = await call(guarded, "POST", "/studies", ONE_SPACE, {**admin, "Idempotency-Key": "k"})
    assert again.json() == first.json()


async def test_a_revoked_key_opens_nothing_once_it_is_looked_up_again(guarded: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    monkeypatch.setattr("service.studies.keys.monotonic", lambda: now)
    headers = bearer(guarded, KeyScope.READ)
    assert (await call(guarded, "GET", "/studies", None, headers)).status_code == 200
    keys.revoke_key(guarded.app.state.context.database, "read")
    now += 10.0
    assert (await call(guarded, "GET", "/studies", None, headers)).status_code == 401


async def test_tokens_are_not_stored(guarded: Service) -> None:
    token = bearer(guarded, KeyScope.ADMIN)["Authorization"].removeprefix("Bearer ")
    database = guarded.app.state.context.database
    with database.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM svge_keys").all()
    assert len(rows) == 1
    assert not any(token in str(value) or token.removeprefix("svge_") in str(value) for value in rows[0])
    with pytest.raises(ValueError, match="a key 'admin' exists already"):
        keys.create_key(database, "admin", KeyScope.READ)


async def test_on_the_machine_s_own_address_no_key_is_needed(service: Service) -> None:
    assert (await service.client.get("/studies")).status_code == 200


@pytest.mark.parametrize(
    ("host", "auth", "expected"),
    [("127.0.0.1", "auto", False), ("::1", "auto", False), ("localhost", "auto", False), ("0.0.0.0", "auto", True),
     ("::", "auto", True), ("10.0.0.7", "auto", True), ("example.org", "auto", True), ("127.0.0.1", "on", True),
     ("0.0.0.0", "off", False)],
)  # fmt: skip
def test_which_addresses_need_keys(host: str, auth: Any, expected: bool) -> None:
    assert Settings(host=host, auth=auth).needs_keys is expected
    assert auth != "auto" or is_loopback(host) is not expected


def test_what_is_not_named_needs_the_most() -> None:
    assert needed_scope("POST", "/something/new") == KeyScope.ADMIN
    assert needed_scope("PUT", "/suggest/x") == KeyScope.ADMIN
    assert needed_scope("GET", "/something/new") == KeyScope.READ


@pytest.mark.parametrize("name", ["", "x" * 101, "a\x00b", "a\nb"])
def test_a_key_needs_a_name_that_can_be_one(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected 1 to 100 printable characters"):
        keys.create_key(Database(f"sqlite:///{tmp_path}/test.db"), name, KeyScope.READ)
