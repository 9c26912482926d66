"""Seconds of each call to a study of a thousand trials and to one of a million, taken in turns, over HTTP.

    python -m benchmarks.study_size --postgres
    python -m benchmarks.study_size --urls sqlite:////data/small.db sqlite:////data/large.db

Each study lies in a database of its own, behind a service of its own, so that what counts or scans everything shows. SQLite files
are made in a temporary folder; with `--postgres` databases of a private PostgreSQL are taken instead. Databases named by `--urls`
stay, and are filled only where they are empty. What is answered without a model is measured first, then suggests from ready
proposals, then such as fit the surrogate, and in the end an export of everything with the memory that it takes.
"""

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
import psycopg

from benchmarks.large_study import TWO_OBJECTIVES, architecture, fill
from benchmarks.private_postgres import installed_binaries, private_server
from benchmarks.served import Served, served
from models.architectures.formats import to_json
from service.api.pagination import write_cursor
from service.storage import schema, studies
from service.storage.session import Database

STUDY, TRADE_OFFS = "study", "trade-offs"
IMPATIENCE = 0.1
PATIENCE = 30
TIMEOUT = 600

Timings = dict[str, list[float]]


@dataclass
class Side:
    """One of the services that are compared: the size that its studies were made with, and the first architecture that is new."""

    size: int
    first: int
    server: Served
    http: httpx.Client
    timings: Timings = field(default_factory=lambda: defaultdict(list))
    workers: int = 0

    def timed(self, name: str, method: str, path: str, body: object = None) -> httpx.Response:
        start = time.perf_counter()
        answer = self.http.request(method, path, json=body)
        seconds = time.perf_counter() - start
        answer.raise_for_status()
        self.timings[name].append(seconds)
        return answer

    def suggest(self, name: str, source: str, wait: float = 0.0) -> dict:
        """A trial for a worker that was never there before. Raises `RuntimeError` where it is of another source."""
        self.workers += 1
        body = {"study": STUDY, "worker": f"new-{self.first + self.workers}", "wait": wait}
        (trial,) = self.timed(name, "POST", "/suggest", body).json()["trials"]
        if trial["source"] not in source.split("|"):
            raise RuntimeError(f"expected a trial of source '{source}', got '{trial['source']}'")
        return trial


def everyday_calls(side: Side, step: int) -> Iterator[None]:
    """One of each call that needs no model, each measured when the next is asked for."""
    graph = to_json(architecture(side.first + step))
    side.timed("enqueue", "POST", f"/studies/{STUDY}/enqueue", {"architectures": [graph]})
    yield
    trial = side.suggest("suggest, what waits", "enqueued")
    yield
    side.timed("heartbeat", "POST", "/heartbeat", {"worker": trial["worker"], "trials": [trial["id"]]})
    yield
    report = {"trial": trial["id"], "attempt": trial["attempt"], "value": 0.9 + 1e-6 * step}
    side.timed("observe", "POST", "/observe", report)
    yield
    graph = to_json(architecture(side.first + step))
    values = {"accuracy": 0.7 + 1e-6 * step, "latency_ms": 5.0}
    body = {"study": TRADE_OFFS, "architecture": graph, "values": values}
    side.timed("observe, two objectives, from elsewhere", "POST", "/observe", body)
    yield
    deep = write_cursor(int(0.9 * side.size))
    for name, path in (
        ("first page of 50", f"/studies/{STUDY}/trials?limit=50"),
        ("deep page of 50", f"/studies/{STUDY}/trials?limit=50&cursor={deep}"),
        ("page of 50 completed", f"/studies/{STUDY}/trials?limit=50&state=completed"),
        ("best 10", f"/studies/{STUDY}/best?k=10"),
        ("study", f"/studies/{STUDY}"),
        ("pareto, one objective", f"/studies/{STUDY}/pareto"),
        ("pareto, two objectives", f"/studies/{TRADE_OFFS}/pareto"),
        ("metrics", "/metrics"),
    ):
        side.timed(name, "GET", path)
        yield


def measure_everyday(sides: Sequence[Side], steps: int) -> None:
    for step in range(steps):
        for _ in zip(*(everyday_calls(side, step) for side in (sides if step % 2 else sides[::-1])), strict=True):
            pass


def measure_ready(sides: Sequence[Side], count: int) -> None:
    """Suggests from proposals that came too late for who had asked for them."""
    for side in sides:
        wait = IMPATIENCE
        while not has_ready(side, count, wait):
            wait *= 1.5  # on a busy machine it may be over before the computation has begun
    for step in range(count - 1):
        for side in sides if step % 2 else sides[::-1]:
            side.suggest("suggest, ready proposals", "acquisition")


def has_ready(side: Side, count: int, wait: float) -> bool:
    """Whether there are ready proposals after an ask for `count` of them that does not wait until they come."""
    side.workers += 1
    body = {"study": STUDY, "worker": f"impatient-{side.first + side.workers}", "count": count, "wait": wait}
    side.http.post("/suggest", json=body).raise_for_status()
    for _ in range(PATIENCE):
        if side.suggest("", "acquisition|fallback")["source"] == "acquisition":
            return True
        time.sleep(1.0)
    return False


def measure_fresh(sides: Sequence[Side], steps: int) -> None:
    for step in range(steps):
        for side in sides if step % 2 else sides[::-1]:
            trial = side.suggest("suggest, fresh proposal", "acquisition", wait=120)
            report = {"trial": trial["id"], "attempt": trial["attempt"], "value": 0.9}
            side.http.post("/observe", json=report).raise_for_status()


def export(side: Side, form: str) -> str:
    """A table row: how long an export takes, how much it is, and the API process's peak of memory before and after."""
    before, start, size = peak_mib(side), time.perf_counter(), 0
    with side.http.stream("GET", f"/studies/{STUDY}/export?format={form}") as answer:
        for piece in answer.iter_raw():
            size += len(piece)
    seconds = time.perf_counter() - start
    return f"| {form} | {side.size:,} | {seconds:.1f} s | {size / 2**20:,.0f} MiB | {before:.0f} MiB | {peak_mib(side):.0f} MiB |"


def peak_mib(side: Side) -> float:
    """The most resident memory that the API process has had so far."""
    status = Path(f"/proc/{side.server.process.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


def table(sides: Sequence[Side]) -> str:
    """Markdown, one row a call: p50 and p99 on each side in milliseconds, and how many times the last side's are the first's."""
    sizes = " | ".join(f"{side.size:,} trials: p50, p99" for side in sides)
    lines = [f"| call | {sizes} | ratio of p50, p99 |", "| --- |" + " --- |" * (len(sides) + 1)]
    for name in filter(None, sides[0].timings):
        quantiles = [np.quantile(side.timings[name], (0.5, 0.99)) for side in sides]
        cells = " | ".join(f"{1000 * middle:.1f} ms, {1000 * tail:.1f} ms" for middle, tail in quantiles)
        middle, tail = quantiles[-1] / quantiles[0]
        lines.append(f"| {name} | {cells} | {middle:.2f}, {tail:.2f} |")
    return "\n".join(lines)


def prepare(url: str, size: int) -> None:
    """A database with the studies of this size, filled unless they are there."""
    database = Database(url)
    try:
        schema.upgrade(database)
        for name, objectives in ((STUDY, ()), (TRADE_OFFS, TWO_OBJECTIVES)):
            if database.read_here(lambda session, name=name: studies.find(session, name)) is None:
                start = time.perf_counter()
                fill(database, name, size, objectives)
                print(f"filled '{name}' with {size:,} trials in {time.perf_counter() - start:.0f} s", flush=True)
    finally:
        database.close()


def database_urls(options: argparse.Namespace, folder: Path, stack: ExitStack) -> list[str]:
    names = [f"svge_{size}" for size in options.sizes]
    if options.urls:
        return list(options.urls)
    if not options.postgres:
        return [f"sqlite:///{folder / name}.db" for name in names]
    binaries = installed_binaries()
    if binaries is None:
        raise SystemExit("no PostgreSQL is installed: initdb is neither on the PATH nor under /usr/lib/postgresql")
    server = stack.enter_context(private_server(binaries))
    with psycopg.connect(server.url, autocommit=True) as connection:
        for name in names:
            connection.execute(f"CREATE DATABASE {name}".encode())
    return [server.url.rpartition("/")[0] + f"/{name}" for name in names]


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--sizes", type=int, nargs=2, default=(1000, 1_000_000), help="trials of the studies (default: %(default)s)"
    )
    parser.add_argument("--urls", nargs=2, help="databases for the studies, in the order of the sizes; they stay")
    parser.add_argument("--postgres", action="store_true", help="a private PostgreSQL instead of SQLite files")
    parser.add_argument("--steps", type=int, default=500, help="calls of each kind (default: %(default)s)")
    parser.add_argument("--ready", type=int, default=200, help="suggests from ready proposals (default: %(default)s)")
    parser.add_argument("--fresh", type=int, default=5, help="suggests with a fit (default: %(default)s)")
    parser.add_argument("--export", action="store_true", help="export everything in the end, in both formats")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> str:
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        sides = []
        for url, size in zip(database_urls(options, folder, stack), options.sizes, strict=True):
            prepare(url, size)
            (folder / str(size)).mkdir()
            server = stack.enter_context(served(folder / str(size), url))
            http = stack.enter_context(httpx.Client(base_url=server.url, timeout=TIMEOUT))
            held = http.get(f"/studies/{STUDY}").raise_for_status().json()["trials"]
            sides.append(Side(size, sum(held.values()), server, http))
        measure_everyday(sides, options.steps)
        print(table(sides), flush=True)
        if options.ready:
            measure_ready(sides, options.ready)
        if options.fresh:
            measure_fresh(sides, options.fresh)
        found = table(sides)
        if options.export:
            found += "\n\n| export | trials | time | size | most memory before | after |\n| --- | --- | --- | --- | --- | --- |\n"
            found += "\n".join(export(side, form) for side in sides for form in ("csv", "jsonl"))
    return found


if __name__ == "__main__":
    print(run(parse()))
