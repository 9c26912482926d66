"""Who gets into the dashboard: keys, cookies, requests that other sites make, and what may not be reached besides."""

import re
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message

from service.dashboard.gate import Gate, safe_target
from service.storage.values import KeyScope
from service.studies.keys import create_key, revoke_key
from tests.service.api.harness import Service, running

pytestmark = pytest.mark.anyio

PAGE = {"accept": "text/html"}
CALLBACK = {
    "output": "..page.children...title.data...problem.children..",
    "outputs": [
        {"id": "page", "property": "children"},
        {"id": "title", "property": "data"},
        {"id": "problem", "property": "children"},
    ],
    "inputs": [
        {"id": "url", "property": "pathname", "value": "/dashboard/"},
        {"id": "url", "property": "search", "value": ""},
    ],
    "changedPropIds": ["url.pathname"],
}
UPDATE = "/dashboard/_dash-update-component"


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[Service]:
    async with running(tmp_path, auth="on") as service:
        yield service


async def key(service: Service, scope: KeyScope) -> str:
    return await anyio.to_thread.run_sync(create_key, service.app.state.context.database, scope.value, scope)


async def sign_in(service: Service, token: str, **headers: str) -> httpx.Response:
    return await service.client.post("/dashboard/sign-in?next=/dashboard/compare", data={"key": token}, headers=headers)


def close_callback(name: str) -> dict[str, Any]:
    """What the button of a study's page sends."""
    return {
        "output": "",
        "outputs": [],
        "inputs": [{"id": "close-study", "property": "n_clicks", "value": 1}],
        "state": [
            {"id": "close-study", "property": "children", "value": "Close"},
            {"id": "study", "property": "data", "value": name},
        ],
        "changedPropIds": ["close-study.n_clicks"],
    }


async def press_close(service: Service, name: str) -> httpx.Response:
    """The request of the button, under the name that the page gives to its outputs."""
    dependencies = (await service.client.get("/dashboard/_dash-dependencies")).json()
    output = next(each["output"] for each in dependencies if "close-study.children@" in each["output"])
    body = close_callback(name)
    body["output"] = output
    named = re.findall(r"([a-z-]+)\.(children@[^.]*)", output)
    body["outputs"] = [{"id": component, "property": part} for component, part in named]
    return await service.client.post(UPDATE, json=body)


async def test_without_keys_the_dashboard_is_open(sole: Service) -> None:
    assert (await sole.client.get("/dashboard/")).status_code == 200
    answer = await sole.client.post(UPDATE, json=CALLBACK)
    assert "There is no study yet" in answer.text
    assert (await sole.client.get("/dashboard/sign-in")).headers["location"] == "/dashboard/"


async def test_the_front_page_and_the_address_without_a_slash_lead_to_it(sole: Service) -> None:
    assert (await sole.client.get("/")).headers["location"] == "dashboard/"
    assert (await sole.client.get("/dashboard")).headers["location"].endswith("/dashboard/")


async def test_with_keys_these_lead_to_it_too(guarded: Service) -> None:
    for path in ("/", "/dashboard"):
        assert (await guarded.client.get(path)).headers["location"].endswith("dashboard/")


async def test_a_browser_without_a_key_is_sent_to_the_sign_in_page_and_a_script_is_refused(guarded: Service) -> None:
    page = await guarded.client.get("/dashboard/studies/demo", headers=PAGE)
    assert (page.status_code, page.headers["location"]) == (303, "/dashboard/sign-in?next=/dashboard/studies/demo")
    for path in ("_dash-layout", "_dash-dependencies", "_dash-component-suites/dash/dcc/dash_core_components.js"):
        refusal = await guarded.client.get(f"/dashboard/{path}")
        assert (refusal.status_code, refusal.json()["code"]) == (401, "unauthenticated"), path
    assert (await guarded.client.post(UPDATE, json=CALLBACK)).status_code == 401


async def test_signing_in_leads_to_the_very_page_that_was_asked_for(guarded: Service) -> None:
    asked = "/dashboard/compare?studies=one%2Ctwo&trials=t1"
    sent = await guarded.client.get(asked, headers=PAGE)
    answer = await guarded.client.post(sent.headers["location"], data={"key": await key(guarded, KeyScope.READ)})
    assert answer.headers["location"] == asked


async def test_the_application_is_made_once_and_beside_other_requests(sole: Service) -> None:
    made: list[str] = []

    def build() -> tuple[ASGIApp, Sequence[str]]:
        made.append(threading.current_thread().name)
        return PlainTextResponse("page"), ()

    sole.app.mount("/slow", Gate(build, needs_key=False))
    async with anyio.create_task_group() as visits:
        for _ in range(3):
            visits.start_soon(sole.client.get, "/slow/")
    assert len(made) == 1
    assert made != [threading.main_thread().name]


async def test_a_key_that_is_none_is_refused_and_the_page_says_so(guarded: Service) -> None:
    answer = await sign_in(guarded, "svge_<b>wrong")
    assert answer.status_code == 401
    assert "belongs to no key" in answer.text
    assert "set-cookie" not in answer.headers


async def test_signing_in_sets_a_cookie_that_scripts_and_other_sites_do_not_get(guarded: Service) -> None:
    answer = await sign_in(guarded, await key(guarded, KeyScope.READ))
    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard/compare")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert (await guarded.client.post(UPDATE, json=CALLBACK)).status_code == 200
    assert (await guarded.client.get("/studies")).status_code == 200, "links of the dashboard to the API work"


async def test_the_cookie_changes_nothing_in_the_api(guarded: Service) -> None:
    await sign_in(guarded, await key(guarded, KeyScope.ADMIN))
    body = {"name": "demo", "space": "nasbench201"}
    assert (await guarded.client.post("/studies", json=body)).status_code == 401


async def test_closing_a_study_takes_the_scope_admin(guarded: Service) -> None:
    admin = await key(guarded, KeyScope.ADMIN)
    bearer = {"Authorization": f"Bearer {admin}"}
    await guarded.client.post("/studies", json={"name": "demo", "space": "nasbench201"}, headers=bearer)

    async def closed_at() -> object:
        return (await guarded.client.get("/studies/demo", headers=bearer)).json()["closed_at"]

    await sign_in(guarded, await key(guarded, KeyScope.READ))
    refusal = await press_close(guarded, "demo")
    assert "this needs a key with the scope 'admin'" in refusal.text.replace("\\u0027", "'")
    assert await closed_at() is None
    await sign_in(guarded, admin)
    await press_close(guarded, "demo")
    assert await closed_at() is not None
    await press_close(guarded, "demo")
    assert await closed_at() is not None, "a page that still says 'Close' reopens nothing"


async def test_a_revoked_key_opens_nothing_any_more(guarded: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    await sign_in(guarded, await key(guarded, KeyScope.READ))
    database = guarded.app.state.context.database
    await anyio.to_thread.run_sync(revoke_key, database, KeyScope.READ.value)
    monkeypatch.setattr(guarded.app.state.doorkeeper, "_known", {})
    assert (await guarded.client.post(UPDATE, json=CALLBACK)).status_code == 401


async def test_signing_out_takes_the_cookie_back_where_the_own_pages_ask_for_it(guarded: Service) -> None:
    await sign_in(guarded, await key(guarded, KeyScope.READ))
    assert (await guarded.client.get("/dashboard/sign-out")).status_code == 405
    assert (await guarded.client.post("/dashboard/sign-out", headers={"origin": "https://elsewhere.example"})).status_code == 403
    assert (await guarded.client.post(UPDATE, json=CALLBACK)).status_code == 200
    await guarded.client.post("/dashboard/sign-out")
    assert (await guarded.client.post(UPDATE, json=CALLBACK)).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://elsewhere.example"},
        {"origin": "null"},
    ],
    ids=str,
)
async def test_what_another_site_asks_for_is_refused(guarded: Service, headers: dict[str, str]) -> None:
    token = await key(guarded, KeyScope.ADMIN)
    assert (await sign_in(guarded, token, **headers)).status_code == 403
    await sign_in(guarded, token)
    assert (await guarded.client.post(UPDATE, json=CALLBACK, headers=headers)).status_code == 403


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "same-origin"}, {"origin": "http://127.0.0.1"}, {}], ids=str)
async def test_what_its_own_pages_ask_for_is_answered(guarded: Service, headers: dict[str, str]) -> None:
    await sign_in(guarded, await key(guarded, KeyScope.READ))
    assert (await guarded.client.post(UPDATE, json=CALLBACK, headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("asked", "safe"),
    [
        ("/dashboard/studies/a", "/dashboard/studies/a"),
        ("//elsewhere.example", "/dashboard/"),
        ("https://elsewhere.example/dashboard/", "/dashboard/"),
        ("/dashboard//elsewhere.example", "/dashboard/"),
        ("/dashboard/\\elsewhere.example", "/dashboard/"),
        ("", "/dashboard/"),
    ],
)
def test_signing_in_leads_to_no_other_site(asked: str, safe: str) -> None:
    assert safe_target(asked) == safe


@pytest.mark.parametrize("settings", ["off", "on"])
async def test_no_web_socket_opens(tmp_path: Path, settings: str) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    path = "/dashboard/_dash-ws-callback"
    scope = {"type": "websocket", "path": path, "raw_path": path.encode(), "root_path": "", "query_string": b"", "headers": []}
    async with running(tmp_path, auth=settings) as service:
        await service.app(scope | {"scheme": "ws", "subprotocols": [], "state": {}}, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"]


async def test_the_api_keeps_its_addresses(sole: Service) -> None:
    for path in ("/docs", "/redoc", "/openapi.json", "/healthz", "/studies", "/version"):
        answer = await sole.client.get(path)
        assert answer.status_code == 200, path
        assert "content-security-policy" not in answer.headers, path
    paths = (await sole.client.get("/openapi.json")).json()["paths"]
    assert not [path for path in paths if path.startswith("/dashboard")]
