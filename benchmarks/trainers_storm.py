"""Many trainers on one study while what they depend on is killed: two API processes on PostgreSQL, each killed once.

    python -m benchmarks.trainers_storm --trainers 64 --trials 2000

A private PostgreSQL is started from installed binaries. At a quarter of the trials one API process is killed (SIGKILL) and started
again, at a half the model process of the other one, at three quarters PostgreSQL is stopped as if it had crashed and started again.
Trainers do what the client does: they repeat what failed. In the end the study is compared with what was acknowledged.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
from sqlalchemy import make_url

from benchmarks.interleaved import machine
from benchmarks.private_postgres import PrivateServer, installed_binaries, private_server
from benchmarks.served import Served, served

STUDY = "storm"
SPACE = "nasbench201"
TRAINING_SECONDS = 0.05
PAUSE_SECONDS = 0.2
LEASE_SECONDS = 20


@dataclass
class Ledger:
    """What the trainers saw: acknowledged values by trial, seconds of requests that succeeded, and all other answers."""

    acknowledged: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, list[float]] = field(default_factory=lambda: {"/suggest": [], "/observe": []})
    answers: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


class Trainer:
    """One trainer, which goes to the other API process when one does not answer."""

    def __init__(
        self, number: int, clients: list[httpx.AsyncClient], ledger: Ledger, training_seconds: float = TRAINING_SECONDS
    ) -> None:
        self._name = f"trainer-{number}"
        self._training_seconds = training_seconds
        self._clients = clients
        self._ledger = ledger
        self._rng = random.Random(number)

    async def run(self) -> None:
        while True:
            answer = await self._post("/suggest", {"study": STUDY, "worker": self._name, "wait": 20})
            if not answer["trials"]:
                if "max_trials" in answer["reason"]:
                    return
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            (trial,) = answer["trials"]
            await asyncio.sleep(self._training_seconds * self._rng.random())
            value = self._rng.random()
            done = await self._post("/observe", {"trial": trial["id"], "attempt": trial["attempt"], "value": value})
            if done is not None:
                self._ledger.acknowledged[trial["id"]] = value

    async def _post(self, path: str, body: dict) -> dict | None:
        """The answer, in as many tries as it takes; None where the trial is somebody else's."""
        while True:
            started = time.perf_counter()
            try:
                response = await self._rng.choice(self._clients).post(path, json=body)
            except httpx.HTTPError as error:
                self._ledger.answers[type(error).__name__] += 1
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            self._ledger.answers[str(response.status_code)] += 1
            if response.status_code == 200:
                self._ledger.seconds[path].append(time.perf_counter() - started)
                return response.json()
            if response.status_code == 409:
                return None
            if response.status_code != 503 or "retry-after" not in response.headers:
                self._ledger.faults.append(f"{path} answered {response.status_code}: {response.text[:300]}")
            await asyncio.sleep(PAUSE_SECONDS)


def kill_model_process(api: Served) -> None:
    """SIGKILL the model process of an API process. Raises `RuntimeError` where there is none: then nothing would be shown."""
    killed = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == api.process.pid and b"spawn_main" in (folder / "cmdline").read_bytes():
                os.kill(int(folder.name), signal.SIGKILL)
                killed += 1
    if killed != 1:
        raise RuntimeError(f"expected one model process of the API process {api.process.pid}, killed {killed}")


async def storm(options: argparse.Namespace, folder: Path, postgres: PrivateServer, stack: ExitStack) -> dict[str, object]:
    """Run everything and answer what was found."""
    url = make_url(postgres.url).render_as_string()
    ports = [free_port(), free_port()]
    apis = [stack.enter_context(served(make_folder(folder, str(port)), url, port)) for port in ports]
    restarts = ExitStack()
    stack.push(restarts)
    ledger = Ledger()
    async with contextlib.AsyncExitStack() as clients_stack:
        clients = [await clients_stack.enter_async_context(httpx.AsyncClient(base_url=api.url, timeout=60)) for api in apis]
        settings = {"name": STUDY, "space": SPACE, "max_trials": options.trials, "lease_seconds": LEASE_SECONDS}
        (await clients[0].post("/studies", json=settings)).raise_for_status()
        started = time.perf_counter()
        trainers = [asyncio.create_task(Trainer(n, clients, ledger).run()) for n in range(options.trainers)]
        for share, what in ((0.25, "api"), (0.5, "model"), (0.75, "postgresql")):
            while len(ledger.acknowledged) < share * options.trials:
                await asyncio.sleep(0.05)
            print(
                f"{time.perf_counter() - started:6.1f} s  {len(ledger.acknowledged)} acknowledged: killing the {what}", flush=True
            )
            if what == "api":
                apis[0].process.kill()
                apis[0].process.wait()
                restart = served(make_folder(folder, f"{ports[0]}-again"), url, ports[0])
                await asyncio.to_thread(restarts.enter_context, restart)
            elif what == "model":
                kill_model_process(apis[1])
            else:
                await asyncio.to_thread(postgres.stop, "immediate")
                await asyncio.sleep(1.0)
                await asyncio.to_thread(postgres.start)
        await asyncio.gather(*trainers)
        seconds = time.perf_counter() - started
        trials = [json.loads(line) for line in (await clients[1].get(f"/studies/{STUDY}/export?format=jsonl")).text.splitlines()]
    return judged(ledger, trials, seconds)


def judged(ledger: Ledger, trials: list[dict], seconds: float) -> dict[str, object]:
    """The figures, and what contradicts the promises."""
    stored = {trial["id"]: trial["value"] for trial in trials}
    lost = [trial for trial, value in ledger.acknowledged.items() if stored.get(trial) != value]
    states = Counter(trial["state"] for trial in trials)
    latencies = {
        path: {"p50": float(np.quantile(taken, 0.5)), "p99": float(np.quantile(taken, 0.99)), "a_second": len(taken) / seconds}
        for path, taken in ledger.seconds.items()
    }
    return {
        "seconds": seconds,
        "trials": len(trials),
        "acknowledged": len(ledger.acknowledged),
        "lost": len(lost),
        "isomorphic_pairs": len(trials) - len({trial["canonical_id"] for trial in trials}),
        "states": dict(states),
        "sources": dict(Counter(trial["source"] for trial in trials)),
        "answers": dict(ledger.answers),
        "faults": ledger.faults[:20],
        "latencies": latencies,
    }


def make_folder(folder: Path, name: str) -> Path:
    made = folder / name
    made.mkdir()
    return made


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trainers", type=int, default=64, help="trainers at the same time (default: %(default)s)")
    parser.add_argument("--trials", type=int, default=2000, help="budget of the study (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="where the figures go")
    options = parser.parse_args()
    binaries = installed_binaries()
    if binaries is None:
        parser.error("no PostgreSQL is installed: initdb is neither on the PATH nor under /usr/lib/postgresql")
    with private_server(binaries) as postgres, tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        found = asyncio.run(storm(options, Path(folder), postgres, stack))
    print(json.dumps(found, indent=1))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"machine": machine(), **found}, indent=1) + "\n")
    if found["lost"] or found["isomorphic_pairs"] or found["faults"] or set(found["states"]) != {"completed"}:
        raise SystemExit("a promise was broken")


if __name__ == "__main__":
    main()
