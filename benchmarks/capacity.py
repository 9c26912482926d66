"""How many trainers a deployment carries: a discrete-event simulation of trainers, API processes, model workers and PostgreSQL.

    python -m benchmarks.capacity --out docs/images

Each trainer asks for a trial, trains, shows signs of life, reports, and asks again. An API process does one thing at a time; the
writers of a study queue at its row; PostgreSQL has some cores; whoever asks while a model worker computes for their study shares
its next computation, one at a time on each worker, and gets a random architecture after ten seconds. What each step takes was
measured (`capacity_times.py`, `search_speed.py`).
"""

import argparse
import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import simpy

from benchmarks.capacity_times import CallTimes

RESULTS = Path(__file__).parent / "results"
HEARTBEAT_SECONDS = 300.0
"""A third of the default lease."""
WAIT_SECONDS = 10.0
GATHER_SECONDS = 0.02
MOST_AT_ONCE = 256
"""Trials in one computation of a model worker."""
SPREAD = 0.3
"""Of the logarithm of a training's length."""

Steps = Generator[simpy.Event, Any, None]


@dataclass(frozen=True)
class Times:
    """What was measured: calls by name, and the seconds of one joint proposal of one and of fifty."""

    calls: dict[str, CallTimes]
    one: float
    fifty: float

    def proposal(self, size: int) -> float:
        return self.one + (self.fifty - self.one) * (size - 1) / 49


@dataclass(frozen=True)
class Deployment:
    """What there is. Each API process has a model worker of its own, or, where their numbers differ, `workers` on Ray compute for
    all, each for its studies.
    """

    trainers: int
    training_seconds: float = 600.0
    apis: int = 1
    workers: int = 1
    studies: int = 1
    database_cores: int = 4


@dataclass
class Outcome:
    """Seconds that each suggest took, how many were answered at random, and how busy each part was between 0 and 1."""

    suggests: list[float] = field(default_factory=list)
    at_random: int = 0
    busy: dict[str, float] = field(default_factory=dict)

    @property
    def p99(self) -> float:
        return float(np.quantile(self.suggests, 0.99))

    @property
    def random_share(self) -> float:
        return self.at_random / max(len(self.suggests), 1)


def read_times(calls: Path, speeds: Path, observations: int) -> Times:
    """Raises `ValueError` where no proposal was timed at so many observations."""
    measured = {name: CallTimes(**each) for name, each in json.loads(calls.read_text())["calls"].items()}
    costs = json.loads(speeds.read_text())["costs"]
    found = {cost["count"]: cost["next"] for cost in costs if cost["observations"] == observations}
    if not {1, 50} <= set(found):
        raise ValueError(f"no proposal of 1 and of 50 was timed at {observations} observations in '{speeds}'")
    return Times(measured, found[1], found[50])


class Simulation:
    """One deployment over `seconds` of its time, of which the first half only fills the queues."""

    def __init__(self, deployment: Deployment, times: Times, seconds: float, seed: int = 0) -> None:
        self._deployment, self._times, self._seconds = deployment, times, seconds
        self._rng = np.random.default_rng(seed)
        self._env = simpy.Environment()
        self._apis = [_Part(self._env, 1) for _ in range(deployment.apis)]
        self._workers = [_Part(self._env, 1) for _ in range(deployment.workers)]
        self._rows = [_Part(self._env, 1) for _ in range(deployment.studies)]
        self._database = _Part(self._env, deployment.database_cores)
        self._waiting: dict[tuple[int, int], list[simpy.Event]] = {}
        self._outcome = Outcome()

    def run(self) -> Outcome:
        for number in range(self._deployment.trainers):
            self._env.process(self._train(number))
        half = self._seconds / 2
        self._env.run(half)
        self._outcome = Outcome()
        groups = {"API": self._apis, "model worker": self._workers, "study row": self._rows, "PostgreSQL": [self._database]}
        before = {name: [part.worked for part in parts] for name, parts in groups.items()}
        self._env.run(self._seconds)
        for name, parts in groups.items():
            shares = [(part.worked - then) / half / part.capacity for part, then in zip(parts, before[name], strict=True)]
            self._outcome.busy[name] = max(shares)
        return self._outcome

    def _train(self, number: int) -> Steps:
        deployment = self._deployment
        study, first = number % deployment.studies, True
        for turn in count():
            api = (number + turn) % deployment.apis
            length = deployment.training_seconds * self._rng.lognormal(-(SPREAD**2) / 2, SPREAD)
            if first:
                length *= self._rng.random()  # trainers have been at work for long: each is somewhere in its training
                first = False
            else:
                yield from self._suggest(study, api)
            while length > HEARTBEAT_SECONDS:
                yield self._env.timeout(HEARTBEAT_SECONDS)
                length -= HEARTBEAT_SECONDS
                yield from self._call("heartbeat", study, api)
            yield self._env.timeout(length)
            yield from self._call("observe", study, api)

    def _suggest(self, study: int, api: int) -> Steps:
        start = self._env.now
        answered = self._env.event()
        key = (api, study)
        if key in self._waiting:
            self._waiting[key].append(answered)
        else:
            self._waiting[key] = [answered]
            self._env.process(self._propose(key))
        yield answered | self._env.timeout(WAIT_SECONDS)
        if not answered.triggered:
            self._outcome.at_random += 1
        # The caller is answered after the transaction that grants the trial.
        yield from self._call("suggest", study, api)
        self._outcome.suggests.append(self._env.now - start)

    def _propose(self, key: tuple[int, int]) -> Steps:
        """Serve those who wait for one study at one API process until nobody does."""
        yield self._env.timeout(GATHER_SECONDS)
        api, study = key
        worker = self._workers[(api if len(self._workers) == len(self._apis) else study) % len(self._workers)]
        while self._waiting[key]:
            with worker.resource.request() as turn:
                yield turn
                served, self._waiting[key] = self._waiting[key][:MOST_AT_ONCE], self._waiting[key][MOST_AT_ONCE:]
                yield from worker.work(self._times.proposal(len(served)))
            for event in served:
                event.succeed()
        del self._waiting[key]

    def _call(self, name: str, study: int, api: int) -> Steps:
        times = self._times.calls[name]
        yield from self._apis[api].use(times.api)
        with self._rows[study].resource.request() as turn:
            yield turn
            yield from self._database.use(times.database)
            yield from self._rows[study].work(max(times.row - times.database, 0.0))
            self._rows[study].worked += times.database


class _Part:
    """What so many can use at a time, and how many seconds it has worked."""

    def __init__(self, env: simpy.Environment, capacity: int) -> None:
        self._env, self.capacity, self.worked = env, capacity, 0.0
        self.resource = simpy.Resource(env, capacity)

    def use(self, seconds: float) -> Steps:
        with self.resource.request() as turn:
            yield turn
            yield from self.work(seconds)

    def work(self, seconds: float) -> Steps:
        yield self._env.timeout(seconds)
        self.worked += seconds


def sweep(base: Deployment, trainers: Sequence[int], times: Times, seconds: float) -> list[Outcome]:
    return [Simulation(replace(base, trainers=number), times, seconds).run() for number in trainers]


DEPLOYMENTS = {
    "1 API process, 1 study": Deployment(0),
    "2 API processes, 1 study": Deployment(0, apis=2, workers=2),
    "2 API processes, 16 studies": Deployment(0, apis=2, workers=2, studies=16),
    "8 API processes, 64 studies": Deployment(0, apis=8, workers=8, studies=64, database_cores=8),
    "8 API processes, 256 studies": Deployment(0, apis=8, workers=8, studies=256, database_cores=8),
    "8 API processes, 64 workers on Ray, 256 studies": Deployment(0, apis=8, workers=64, studies=256, database_cores=8),
}

TRAINERS = (10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)
MOST_SECONDS = 5.0
MOST_RANDOM = 0.01


def table(found: dict[str, list[Outcome]]) -> str:
    """Markdown: for each deployment the most trainers that it carries, and how busy its parts are with them."""
    lines = [
        f"| deployment | carries | a suggest takes, p50 and p99 | {' | '.join(f'{name} busy' for name in _parts(found))} |",
        "| --- | --- | --- |" + " --- |" * len(_parts(found)),
    ]
    for name, outcomes in found.items():
        carried = [number for number, outcome in enumerate(outcomes) if carries(outcome)]
        if not carried:
            lines.append(f"| {name} | fewer than {TRAINERS[0]} | |" + " |" * len(_parts(found)))
            continue
        outcome = outcomes[carried[-1]]
        median = float(np.median(outcome.suggests))
        busy = " | ".join(f"{share:.0%}" for share in outcome.busy.values())
        lines.append(f"| {name} | {TRAINERS[carried[-1]]:,} | {median:.2f} s, {outcome.p99:.2f} s | {busy} |")
    return "\n".join(lines)


def carries(outcome: Outcome) -> bool:
    """Whether trainers would be content: suggests within five seconds, and hardly any random architectures for want of time."""
    return outcome.p99 <= MOST_SECONDS and outcome.random_share <= MOST_RANDOM


def _parts(found: dict[str, list[Outcome]]) -> list[str]:
    return list(next(iter(found.values()))[0].busy)


def draw(found: dict[str, list[Outcome]], training_seconds: float, path: Path) -> None:
    """The 99th percentile of a suggest and the share of random answers, by the number of trainers."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 3.6), layout="constrained")
    seconds, random = figure.subplots(1, 2)
    for name, outcomes in found.items():
        trainers = TRAINERS[: len(outcomes)]
        seconds.plot(trainers, [outcome.p99 for outcome in outcomes], marker="o", markersize=3, label=name)
        random.plot(trainers, [100 * outcome.random_share for outcome in outcomes], marker="o", markersize=3)
    seconds.axhline(MOST_SECONDS, color="0.6", linewidth=0.8)
    seconds.set(xscale="log", yscale="log", xlabel="trainers", ylabel="seconds of a suggest, 99th percentile")
    random.set(xscale="log", xlabel="trainers", ylabel="answered at random after 10 s, %")
    figure.suptitle(f"Trainings of {training_seconds / 60:g} minutes", fontsize=10)
    figure.legend(loc="outside lower center", ncols=2, fontsize=7, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=Path, default=RESULTS / "capacity_times.json", help="what capacity_times.py measured")
    parser.add_argument("--speeds", type=Path, default=RESULTS / "search_speed.json", help="what search_speed.py measured")
    parser.add_argument("--observations", type=int, default=1000, help="of each study (default: %(default)s)")
    parser.add_argument("--training-seconds", type=float, default=600.0, help="the mean training (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=240.0, help="how long each deployment is watched (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for capacity.json and capacity.png")
    options = parser.parse_args()
    times, found = read_times(options.calls, options.speeds, options.observations), {}
    for name, base in DEPLOYMENTS.items():
        found[name] = sweep(replace(base, training_seconds=options.training_seconds), TRAINERS, times, options.seconds)
        print(f"{name}: done", flush=True)
    rows = [
        {"deployment": name, "trainers": number, "p99": outcome.p99, "random_share": outcome.random_share, "busy": outcome.busy}
        for name, outcomes in found.items()
        for number, outcome in zip(TRAINERS, outcomes, strict=True)
    ]
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "capacity.json").write_text(json.dumps(rows, indent=1) + "\n")
    draw(found, options.training_seconds, options.out / "capacity.png")
    print(table(found))


if __name__ == "__main__":
    main()
