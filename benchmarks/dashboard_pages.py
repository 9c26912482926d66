"""Seconds until each page of the dashboard shows what it has, in Chromium, with studies of ten and of a hundred thousand trials.

    python -m benchmarks.dashboard_pages --sizes 10000 100000

A page is loaded when its last request is answered and its plots are drawn: *first* in a browser that knows nothing yet, *again*
with its scripts in the cache. Playwright and Chromium are needed; `--chromium` says where the latter is.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Page, sync_playwright

from benchmarks.large_study import TWO_OBJECTIVES, fill
from benchmarks.served import served
from service.storage import schema
from service.storage.session import Database

STUDY, TRADE_OFFS = "study", "trade-offs"
QUIET = 0.3
PATIENCE = 60_000


class Traffic:
    """The requests of a page that are not answered yet, and when the last one was."""

    def __init__(self, page: Page) -> None:
        self.open = 0
        self.last = time.perf_counter()
        page.on("request", lambda _: self._count(1))
        page.on("requestfinished", lambda _: self._count(-1))
        page.on("requestfailed", lambda _: self._count(-1))

    def _count(self, change: int) -> None:
        self.open += change
        self.last = time.perf_counter()


def loaded_in(page: Page, traffic: Traffic, ready: str, act: Callable[[], object]) -> float:
    """Seconds from `act` until the element `ready` is there and no request was open for a while, which is not counted."""
    start = time.perf_counter()
    act()
    page.wait_for_selector(ready, timeout=PATIENCE)
    shown = time.perf_counter()
    while traffic.open or time.perf_counter() - traffic.last < QUIET:
        page.wait_for_timeout(20)
    return max(shown, traffic.last) - start


def pages(url: str) -> Iterator[tuple[str, str, str]]:
    """The name and path of each page, and an element that is there when it shows what it has."""
    best = httpx.get(f"{url}/studies/{STUDY}/best", trust_env=False).json()["trials"][0]["id"]
    plots, rows = '[id*="values"] .scatterlayer .points path', "#trials [row-index='0'] a"
    yield "studies", "/dashboard/", "#studies table"
    yield "study", f"/dashboard/studies/{STUDY}", plots
    yield "study, its table", f"/dashboard/studies/{STUDY}", rows
    yield "study, two objectives", f"/dashboard/studies/{TRADE_OFFS}", '[id*="front"] .scatterlayer .points path'
    yield "trial", f"/dashboard/trials/{best}", ".gallery img"
    yield "latent map", f"/dashboard/studies/{STUDY}/map", "#plane .scatterlayer .points path"
    yield "compare", f"/dashboard/compare?studies={STUDY},{TRADE_OFFS}&trials={best}", "#compare .scatterlayer .js-line"


def measure(url: str, chromium: str, repeats: int) -> list[str]:
    """One table row for each page."""
    rows = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, path, ready in pages(url):
            page = browser.new_context().new_page()
            traffic = Traffic(page)
            first = loaded_in(page, traffic, ready, lambda page=page, path=path: page.goto(url + path))
            again = [loaded_in(page, traffic, ready, page.reload) for _ in range(repeats)]
            page.context.close()
            rows.append(f"| {name} | {first:.2f} s | {statistics.median(again):.2f} s | {max(again):.2f} s |")
            print(rows[-1], flush=True)
        browser.close()
    return rows


@contextmanager
def filled(size: int) -> Iterator[str]:
    """The URL of a service with two studies of `size` trials."""
    with tempfile.TemporaryDirectory() as folder:
        address = f"sqlite:///{folder}/svge.db"
        database = Database(address)
        schema.upgrade(database)
        fill(database, STUDY, size)
        fill(database, TRADE_OFFS, size, TWO_OBJECTIVES)
        database.close()
        with served(Path(folder), address, log_level="warning") as server:
            yield server.url


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = parser.parse_args()
    for size in options.sizes:
        with filled(size) as url:
            print(f"\n{size:,} trials in each of two studies\n")
            print("| page | first | again, median | again, slowest |\n| --- | --- | --- | --- |")
            measure(url, options.chromium, options.repeats)


if __name__ == "__main__":
    main()
