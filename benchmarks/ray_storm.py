"""Many trainers on one study whose model worker is on a Ray cluster, while what it runs on is killed.

    python -m benchmarks.ray_storm --trainers 16 --trials 500

One API process on SQLite, a head and a worker node of this machine, the shipped checkpoint. At a quarter of the trials the
replicas are killed (SIGKILL), at a half the head and all on it. Seconds later a new cluster is started at the same address and the
worker deployed on it; at three quarters it is deployed once more, over the one that works. The API process is never restarted.
Trainers do what the client does: they repeat what failed. In the end the study is compared with what was acknowledged.
"""

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import httpx

from benchmarks.interleaved import machine
from benchmarks.ray_cluster import ROOT, Cluster, cluster
from benchmarks.served import served
from benchmarks.trainers_storm import LEASE_SECONDS, SPACE, STUDY, Ledger, Trainer, judged
from models.pretrained.catalogue import FOLDER

CPUS = 8
AWAY_SECONDS = 5.0


def deploy(ray: Cluster, **settings: str) -> None:
    """Run `svge worker deploy` for a cluster."""
    variables = {"ray_address": ray.address, "ray_cpus": "1", **settings}
    environment = {**os.environ, **{f"SVGE_{name.upper()}": value for name, value in variables.items()}}
    command = [sys.executable, "-m", "service.cli", "worker", "deploy"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the worker was not deployed: {done.stderr[-2000:]}")


class Storm:
    """What happens to the cluster while trainers work, and when."""

    def __init__(self, ray: Cluster, models: Path, client: httpx.AsyncClient, trials: int) -> None:
        self._ray, self._models, self._client, self._trials = ray, models, client, trials
        self.ledger = Ledger()
        self.started = time.perf_counter()
        self.events: dict[str, float] = {}

    async def run(self) -> None:
        await self._acknowledged(0.25)
        killed = self._ray.worker.kill("ServeReplica:svge-")
        self._note(f"{len(killed)} replicas killed")
        await self._computes_again("computed again after the replicas")
        await self._acknowledged(0.5)
        self._note(f"head killed, {len(self._ray.head.kill())} processes")
        await asyncio.sleep(AWAY_SECONDS)
        await asyncio.to_thread(self._ray.kill)
        self._note("starting another cluster")
        await asyncio.to_thread(self._ray.start)
        await asyncio.to_thread(deploy, self._ray, models_folder=str(self._models))
        self._note("deployed")
        await self._computes_again("computed again after the head")
        await self._acknowledged(0.75)
        self._note("deploying again over what runs")
        await asyncio.to_thread(deploy, self._ray, models_folder=str(self._models))
        self._note("deployed again")

    async def _acknowledged(self, share: float) -> None:
        while len(self.ledger.acknowledged) < share * self._trials:
            await asyncio.sleep(0.05)

    async def _computes_again(self, what: str) -> None:
        """Wait for a proposal that is computed; the study's own trials tell, as the trainers take them."""
        before = await self._computed()
        while await self._computed() == before and len(self.ledger.acknowledged) < self._trials:
            await asyncio.sleep(0.5)
        self._note(what)

    async def _computed(self) -> int:
        page = await self._client.get("/metrics")
        lines = [line for line in page.text.splitlines() if line.startswith('svge_fit_seconds_count{outcome="done"}')]
        return int(float(lines[0].split()[1])) if lines else 0

    def _note(self, what: str) -> None:
        self.events[what] = round(time.perf_counter() - self.started, 1)
        print(f"{self.events[what]:6.1f} s  {len(self.ledger.acknowledged)} acknowledged: {what}", flush=True)


async def storm(options: argparse.Namespace, url: str, ray: Cluster, models: Path) -> dict[str, object]:
    """Run everything and answer what was found."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=60))
        while (await client.get("/readyz")).status_code != 200:
            await asyncio.sleep(0.2)
        settings = {"name": STUDY, "space": SPACE, "max_trials": options.trials, "lease_seconds": LEASE_SECONDS}
        (await client.post("/studies", json=settings)).raise_for_status()
        happening = Storm(ray, models, client, options.trials)
        trainers = [Trainer(number, [client], happening.ledger, options.training).run() for number in range(options.trainers)]
        await asyncio.gather(happening.run(), *trainers)
        seconds = time.perf_counter() - happening.started
        exported = (await client.get(f"/studies/{STUDY}/export?format=jsonl")).text.splitlines()
    trials = [json.loads(line) for line in exported]
    attempts = dict(Counter(trial["attempt"] for trial in trials))
    return {**judged(happening.ledger, trials, seconds), "attempts": attempts, "events": happening.events}


def only_checkpoint(folder: Path, space: str) -> Path:
    """A folder with the checkpoint of one space, which is all that replicas then have to load."""
    folder.mkdir()
    for path in FOLDER.glob(f"{space}.*"):
        shutil.copy(path, folder)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trainers", type=int, default=16, help="trainers at the same time (default: %(default)s)")
    parser.add_argument("--trials", type=int, default=500, help="budget of the study (default: %(default)s)")
    parser.add_argument("--training", type=float, default=12.0, help="longest training, in seconds (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="where the figures go")
    options = parser.parse_args()
    with ExitStack() as stack:
        ray = stack.enter_context(cluster(CPUS))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        models = only_checkpoint(folder / "models", SPACE)
        deploy(ray, models_folder=str(models))
        settings = {"worker": "ray", "ray_address": ray.address, "models_folder": str(models), "requests_per_minute": "0"}
        api = stack.enter_context(served(folder, **settings))
        found = asyncio.run(storm(options, api.url, ray, models))
    print(json.dumps(found, indent=1))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"machine": machine(), **found}, indent=1) + "\n")
    if found["lost"] or found["isomorphic_pairs"] or found["faults"] or set(found["states"]) != {"completed"}:
        raise SystemExit("a promise was broken")


if __name__ == "__main__":
    main()
