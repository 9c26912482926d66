"""A served dashboard over a worker without a model, and a real Chromium that tells what it asks for and complains about."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from benchmarks.large_study import fill
from service.storage import schema
from service.storage.session import Database
from tests.service.api.harness import Service, running
from tests.service.contract.deployments import servers, write_models

CHROMIUM = os.environ.get("SVGE_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
LARGE = 1200
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
_PATIENCE = 40_000

expect.set_options(timeout=_PATIENCE)


@dataclass
class Site:
    """A running service with a few studies, over HTTP."""

    url: str
    http: httpx.Client
    trials: list[dict] = field(default_factory=list)

    def post(self, path: str, body: object) -> dict:
        answer = self.http.post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def train(self, study: str, count: int, **report: object) -> list[dict]:
        """So many trials of a study, completed with values that follow from their architectures."""
        trials = self.post("/suggest", {"study": study, "worker": "gpu-1", "count": count})["trials"]
        for place, trial in enumerate(trials):
            value = 0.9 + len(trial["architecture"]["edges"]) / 1000 + place / 10_000
            outcome = {name: value if made is None else made for name, made in report.items()} or {"value": value}
            body = {"trial": trial["id"], "attempt": trial["attempt"]}
            self.post("/observe", body | ({"values": outcome} if report else outcome))
        return trials


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = write_models(tmp_path_factory.mktemp("dashboard"))
    url = f"sqlite:///{folder}/dashboard.db"
    database = Database(url)
    schema.upgrade(database)
    fill(database, "large", LARGE)
    database.close()
    with servers(folder, url, 1) as (server,), httpx.Client(base_url=server.url, timeout=60, trust_env=False) as http:
        site = Site(server.url, http)
        for name, more in (("cells", {}), ("cells-random", {"strategy": "random"}), ("empty", {})):
            site.post("/studies", {"name": name, "space": "nasbench101", "max_trials": 100, **more})
        site.post(
            "/studies", {"name": "trade", "space": "nasbench201", "objectives": {"accuracy": "maximize", "latency": "minimize"}}
        )
        for name, objective in (("same-random", "accuracy"), ("other-random", "recall")):
            wanted = {"space": "nasbench201", "strategy": "random", "objectives": {objective: "maximize", "latency": "minimize"}}
            site.post("/studies", {"name": name, **wanted})
        site.trials = site.train("cells", 8)
        site.train("cells-random", 8)
        site.train("trade", 5, accuracy=None, latency=3.0)
        failed = site.post("/suggest", {"study": "cells", "worker": "gpu-2"})["trials"][0]
        site.post("/observe", {"trial": failed["id"], "attempt": 1, "status": "failed", "reason": "out of memory"})
        site.post("/suggest", {"study": "cells", "worker": "gpu-3"})
        yield site


@pytest.fixture(scope="module")
def browser(site: Site) -> Iterator[BrowserContext]:
    """Chromium, with one cache for all tests. It ends with the module: while Playwright runs, no other test can have an event loop.

    Without a Chromium the tests of pages are skipped, and fail with `CI=true`: a green run there has seen the pages.
    """
    if CHROMIUM is None:
        reason = "there is no Chromium, so no page of the dashboard is looked at; install it, or say where in SVGE_TEST_CHROMIUM"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        context = browser.new_context(base_url=site.url, viewport={"width": 1280, "height": 900}, accept_downloads=True)
        context.set_default_timeout(_PATIENCE)
        yield context
        browser.close()


@pytest.fixture
def page(browser: BrowserContext, site: Site) -> Iterator[Page]:
    """A page that must not complain, nor ask for anything that is not on the service itself."""
    page = browser.new_page()
    complaints: list[str] = []
    hosts: set[str] = set()

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    yield page
    page.close()
    assert not complaints, complaints
    assert hosts - {""} == {urlsplit(site.url).netloc}, "data: URLs have no host; all others are the service's"


@pytest.fixture
async def sole(tmp_path: Path) -> AsyncIterator[Service]:
    async with running(tmp_path) as service:
        yield service
