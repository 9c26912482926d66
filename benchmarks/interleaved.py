"""Speeds of several ways to do the same task, taken in turns in one process, so that what disturbs one disturbs all.

What is compared is in the scripts, `model_speed.py` for one.
"""

import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import torch


class Work(NamedTuple):
    """What one call did: how many graphs, in how many seconds."""

    graphs: int
    seconds: float


@dataclass(frozen=True)
class Contender:
    """One way to do a task. `work` does some of it and says how much and how long, without its own preparation."""

    task: str
    name: str
    work: Callable[[], Work]


@dataclass(frozen=True)
class Speed:
    """Graphs a second: the median over the rounds, and each round's."""

    task: str
    name: str
    graphs_per_second: float
    rounds: tuple[float, ...]


def timed(graphs: int, call: Callable[[], object]) -> Work:
    start = time.perf_counter()
    call()
    return Work(graphs, time.perf_counter() - start)


def compare(contenders: Sequence[Contender], rounds: int, seconds: float) -> list[Speed]:
    """Speeds in the order given: one call each to warm up, then in every round each works for its share of `seconds`."""
    if rounds < 1:
        raise ValueError(f"expected at least 1 round, got {rounds}")
    for contender in contenders:
        contender.work()
    rates: list[list[float]] = [[] for _ in contenders]
    for _ in range(rounds):
        for contender, found in zip(contenders, rates, strict=True):
            found.append(_rate(contender.work, seconds / rounds))
    return [
        Speed(contender.task, contender.name, statistics.median(found), tuple(found))
        for contender, found in zip(contenders, rates, strict=True)
    ]


def _rate(work: Callable[[], Work], seconds: float) -> float:
    """Graphs a second over as many calls as fill `seconds`, at least one."""
    graphs, spent = 0, 0.0
    while spent < seconds:
        done = work()
        graphs, spent = graphs + done.graphs, spent + done.seconds
    return graphs / spent


def ratios(speeds: Sequence[Speed]) -> list[float]:
    """For each contender how many times as fast the first one of its task is."""
    first: dict[str, float] = {}
    return [first.setdefault(speed.task, speed.graphs_per_second) / speed.graphs_per_second for speed in speeds]


def table(speeds: Sequence[Speed]) -> str:
    """Markdown, one row a contender."""
    lines = ["| task | with | graphs/s, median (lowest to highest) | the first is faster by |", "| --- | --- | --- | --- |"]
    for speed, ratio in zip(speeds, ratios(speeds), strict=True):
        span = f"{speed.graphs_per_second:,.0f} ({min(speed.rounds):,.0f} to {max(speed.rounds):,.0f})"
        lines.append(f"| {speed.task} | {speed.name} | {span} | {ratio:.1f}x |")
    return "\n".join(lines)


def machine() -> dict[str, object]:
    """Where a run happens: processor, cores, memory, versions, threads, and how busy the machine is just now."""
    cpu_info = Path("/proc/cpuinfo")
    models = [line.split(":", 1)[1].strip() for line in cpu_info.read_text().splitlines() if line.startswith("model name")]
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "vector_instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "load_average_1_min": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torch_geometric": version("torch_geometric"),
    }
