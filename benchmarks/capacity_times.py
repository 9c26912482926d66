"""What one call of a trainer costs the API process, PostgreSQL and the row of its study: what `capacity.py` calculates with.

    python -m benchmarks.capacity_times --calls 300 --out benchmarks/results/capacity_times.json

A served process on a private PostgreSQL, one client, one call after the other. Processor seconds are those that the system has
counted for the processes, so that other work on the machine lengthens them little. A study's row is locked for at most as long as
a call takes longer than `GET /healthz`, which reads no database.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks.interleaved import machine
from benchmarks.large_study import SPACE, architecture
from benchmarks.private_postgres import installed_binaries, private_server
from benchmarks.served import served
from models.architectures.formats import to_json

CALLS = ("suggest", "observe", "heartbeat")


@dataclass(frozen=True)
class CallTimes:
    """Of one call, in seconds: processor time of the API process and of PostgreSQL, and how long the study's row may be locked."""

    api: float
    database: float
    row: float


def measure(url: str, api: psutil.Process, database: psutil.Process, calls: int) -> dict[str, CallTimes]:
    """The times of each call, `calls` times over one study whose trials wait."""
    with httpx.Client(base_url=url, timeout=120) as client:
        _prepare(client, calls)
        trials: list[dict[str, Any]] = []
        works: dict[str, Callable[[int], object]] = {
            "suggest": lambda number: trials.extend(_post(client, "/suggest", _ask(number))["trials"]),
            "heartbeat": lambda number: _post(client, "/heartbeat", _beat(trials[number], number)),
            "observe": lambda number: _post(client, "/observe", _report(trials[number])),
        }
        empty = _latency(lambda number: client.get("/healthz").raise_for_status(), calls)
        found = {}
        for name, work in works.items():
            before = _spent(api), _spent(database)
            latency = _latency(work, calls)
            api_seconds, database_seconds = (now - then for now, then in zip((_spent(api), _spent(database)), before, strict=True))
            found[name] = CallTimes(api_seconds / calls, database_seconds / calls, max(latency - empty, 0.0))
        return found


def _prepare(client: httpx.Client, calls: int) -> None:
    _post(client, "/studies", {"name": "capacity", "space": SPACE})
    graphs = [to_json(architecture(index)) for index in range(calls)]
    _post(client, "/studies/capacity/enqueue", {"architectures": graphs})


def _ask(number: int) -> dict[str, object]:
    return {"study": "capacity", "worker": f"trainer-{number}", "wait": 0}


def _beat(trial: dict[str, Any], number: int) -> dict[str, object]:
    return {"worker": f"trainer-{number}", "trials": [trial["id"]]}


def _report(trial: dict[str, Any]) -> dict[str, object]:
    return {"trial": trial["id"], "attempt": trial["attempt"], "value": 0.5}


def _post(client: httpx.Client, path: str, body: object) -> Any:
    return client.post(path, json=body).raise_for_status().json()


def _latency(work: Callable[[int], object], calls: int) -> float:
    """Seconds of a call, the median."""
    seconds = []
    for number in range(calls):
        start = time.perf_counter()
        work(number)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def _spent(process: psutil.Process) -> float:
    """Processor seconds of a process; of PostgreSQL those of its children too, which serve the connections."""
    family = [process, *process.children(recursive=True)] if process.name().startswith("postgres") else [process]
    return sum(times.user + times.system for times in (each.cpu_times() for each in family))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=300, help="calls of each kind (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/capacity_times.json"))
    options = parser.parse_args()
    binaries = installed_binaries()
    if binaries is None:
        parser.error("no PostgreSQL is installed: initdb is neither on the PATH nor under /usr/lib/postgresql")
    with tempfile.TemporaryDirectory() as folder, private_server(binaries) as postgres:
        with served(Path(folder), postgres.url) as server:
            (main_process,) = [one for one in psutil.process_iter(["cmdline"]) if _is_postmaster(one, postgres.port)]
            times = measure(server.url, psutil.Process(server.process.pid), main_process, options.calls)
    report = {"date": date.today().isoformat(), "machine": machine(), "calls": {name: asdict(each) for name, each in times.items()}}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(report, indent=1) + "\n")
    for name, each in times.items():
        print(f"{name}: API {1000 * each.api:.1f} ms, PostgreSQL {1000 * each.database:.1f} ms, row {1000 * each.row:.1f} ms")


def _is_postmaster(process: psutil.Process, port: int) -> bool:
    words = process.info["cmdline"] or []
    return bool(words) and words[0].endswith("postgres") and str(port) in " ".join(words)


if __name__ == "__main__":
    main()
