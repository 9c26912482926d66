"""Seconds until each page of the dashboard shows what it has, in Chromium, with studies of ten and of a hundred thousand trials.

    python -m benchmarks.dashboard_pages --sizes 10000 100000

A page is loaded when its last request is answered and its plots are drawn: *first* in a browser that knows nothing yet, *again*
with its scripts in the cache. Beside the time by the clock stands the processor's for *again*, of the page's main thread and of the
API process, which wait for each other: on a busy machine it tells what the clock would on an idle one. Playwright and Chromium are
needed; `--chromium` says where the latter is.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
from playwright.sync_api import Page, sync_playwright

from benchmarks.large_study import TWO_OBJECTIVES, fill
from benchmarks.served import Served, served
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


class Processor:
    """The processor's time that the main thread of a page has taken since it was loaded, and the API process ever, in seconds."""

    def __init__(self, page: Page, server_pid: int) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})
        self._pid = server_pid

    def taken(self) -> np.ndarray:
        metrics = {each["name"]: each["value"] for each in self._session.send("Performance.getMetrics")["metrics"]}
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return np.array([metrics["TaskDuration"], (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")])


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


def measure(server: Served, chromium: str, repeats: int) -> None:
    """Print one table row for each page."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, path, ready in pages(server.url):
            page = browser.new_context().new_page()
            traffic, processor = Traffic(page), Processor(page, server.process.pid)
            first = loaded_in(page, traffic, ready, lambda page=page, path=path: page.goto(server.url + path))
            again, taken = [], []
            for _ in range(repeats):
                before = processor.taken() * (0, 1)
                again.append(loaded_in(page, traffic, ready, page.reload))
                taken.append(processor.taken() - before)
            page.context.close()
            clock = f"{first:.2f} s | {np.median(again):.2f} s | {max(again):.2f} s"
            in_page, in_service = np.median(taken, axis=0)
            print(f"| {name} | {clock} | {in_page:.2f} s + {in_service:.2f} s |", flush=True)
        browser.close()


@contextmanager
def filled(size: int) -> Iterator[Served]:
    """A service with two studies of `size` trials."""
    with tempfile.TemporaryDirectory() as folder:
        address = f"sqlite:///{folder}/svge.db"
        database = Database(address)
        schema.upgrade(database)
        fill(database, STUDY, size)
        fill(database, TRADE_OFFS, size, TWO_OBJECTIVES)
        database.close()
        with served(Path(folder), address, log_level="warning") as server:
            yield server


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = parser.parse_args()
    for size in options.sizes:
        with filled(size) as server:
            print(f"\n{size:,} trials in each of two studies\n")
            print("| page | first | again, median | again, slowest | again, processor: page + API |\n" + "| --- " * 5 + "|")
            measure(server, options.chromium, options.repeats)


if __name__ == "__main__":
    main()
