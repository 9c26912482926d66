"""Suggests and observations a second on PostgreSQL, with one API process and with two.

    python -m benchmarks.service_throughput --clients 16 --seconds 10 --rounds 5

Client threads take a trial that waits, report a value, and take the next, each at the API processes in turn; no model computes.
They work on one study, whose writers queue at its row, or each on a study of its own. What is compared takes turns, so that what
disturbs one disturbs all. PostgreSQL, the API processes and the clients share the machine.
"""

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np

from benchmarks.large_study import SPACE, architecture
from benchmarks.private_postgres import installed_binaries, private_server
from benchmarks.served import served
from models.architectures.formats import to_json

QUEUE = 3000
"""Trials that wait in the studies of a case together when a round begins, or more."""


@dataclass
class Case:
    """So many API processes and studies; `rates` are the suggests, each with its observation, a second in each round."""

    processes: int
    studies: int
    rates: list[float] = field(default_factory=list)
    seconds: dict[str, list[float]] = field(default_factory=lambda: {"/suggest": [], "/observe": []})


class Load:
    """Client threads at work on the services behind some URLs."""

    def __init__(self, urls: Sequence[str], clients: int) -> None:
        self._urls = urls
        self._clients = clients
        self._enqueued: dict[str, int] = {}
        self._lock = threading.Lock()

    def create(self, study: str) -> None:
        self._post(self._urls[0], "/studies", {"name": study, "space": SPACE})
        self._enqueued[study] = 0

    def run(self, case: Case, seconds: float) -> None:
        """One round. Raises `RuntimeError` when a study has nothing to hand out."""
        names = [f"{case.processes}-{case.studies}-{number}" for number in range(case.studies)]
        for name in names:
            self._fill(name, QUEUE // case.studies)
        deadline = time.perf_counter() + seconds
        with ThreadPoolExecutor(self._clients) as threads:
            work = [
                threads.submit(self._train, case, names[number % len(names)], number, deadline) for number in range(self._clients)
            ]
            done = sum(each.result() for each in work)
        case.rates.append(done / seconds)

    def _train(self, case: Case, study: str, number: int, deadline: float) -> int:
        """How many trials one client took and reported until the deadline."""
        done = 0
        with ExitStack() as stack:
            urls = self._urls[: case.processes]
            services = [stack.enter_context(httpx.Client(base_url=url, timeout=60)) for url in urls]
            while time.perf_counter() < deadline:
                service = services[(number + done) % len(services)]
                body = {"study": study, "worker": f"client-{number}", "wait": 0}
                (trial,) = self._timed(case, service, "/suggest", body)["trials"]
                if trial["source"] != "enqueued":
                    raise RuntimeError(f"nothing waited in study '{study}'; choose fewer seconds a round")
                body = {"trial": trial["id"], "attempt": trial["attempt"], "value": 0.5}
                self._timed(case, service, "/observe", body)
                done += 1
        return done

    def _timed(self, case: Case, service: httpx.Client, path: str, body: object) -> dict:
        start = time.perf_counter()
        answer = service.post(path, json=body).raise_for_status().json()
        with self._lock:
            case.seconds[path].append(time.perf_counter() - start)
        return answer

    def _fill(self, study: str, wanted: int) -> None:
        first = self._enqueued[study]
        waiting = httpx.get(f"{self._urls[0]}/studies/{study}", timeout=60).raise_for_status().json()["trials"]["waiting"]
        if waiting < wanted:
            graphs = [to_json(architecture(index)) for index in range(first, first + wanted)]
            self._post(self._urls[0], f"/studies/{study}/enqueue", {"architectures": graphs})
            self._enqueued[study] += wanted

    def _post(self, url: str, path: str, body: object) -> None:
        httpx.post(url + path, json=body, timeout=300).raise_for_status()


def table(cases: Sequence[Case]) -> str:
    """Markdown, one row a case."""
    lines = [
        "| API processes | studies | trials a second, median (lowest to highest) | suggest p50, p99 | observe p50, p99 |",
        "| --- | --- | --- | --- | --- |",
    ]
    for case in cases:
        rates = f"{statistics.median(case.rates):.0f} ({min(case.rates):.0f} to {max(case.rates):.0f})"
        cells = []
        for path in ("/suggest", "/observe"):
            middle, tail = np.quantile(case.seconds[path], (0.5, 0.99))
            cells.append(f"{1000 * middle:.0f} ms, {1000 * tail:.0f} ms")
        lines.append(f"| {case.processes} | {case.studies} | {rates} | {' | '.join(cells)} |")
    return "\n".join(lines)


def measure(database_url: str, clients: int, seconds: float, rounds: int) -> list[Case]:
    cases = [Case(processes, studies) for studies in (1, clients) for processes in (1, 2)]
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folders = [Path(name) / "first", Path(name) / "second"]
        for folder in folders:
            folder.mkdir()
        load = Load([stack.enter_context(served(folder, database_url)).url for folder in folders], clients)
        for case in cases:
            for number in range(case.studies):
                load.create(f"{case.processes}-{case.studies}-{number}")
        for _ in range(rounds):
            for case in cases:
                load.run(case, seconds)
    return cases


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=16, help="client threads (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of a round of one case (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each case (default: %(default)s)")
    options = parser.parse_args()
    binaries = installed_binaries()
    if binaries is None:
        parser.error("no PostgreSQL is installed: initdb is neither on the PATH nor under /usr/lib/postgresql")
    with private_server(binaries) as postgres:
        print(table(measure(postgres.url, options.clients, options.seconds, options.rounds)))


if __name__ == "__main__":
    main()
