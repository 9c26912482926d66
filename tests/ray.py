"""A Ray cluster for tests, one for the whole run. Without Ray they are skipped, and fail with `CI=true`."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.ray_cluster import ROOT, Cluster, cluster

CPUS = 8
"""By name: what tests start at the same time fits, however many the machine has."""


def needs_ray() -> None:
    """Skip the test without Ray, and fail it with `CI=true`."""
    if importlib.util.find_spec("ray") is None:
        reason = "Ray is not installed, so that nothing is checked on it; pip install 'svge-search[ray]'"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    needs_ray()
    with cluster(CPUS) as started:
        yield started


def run_module(module: str, *arguments: str, seconds: float = 150.0) -> str:
    """What a module prints when it is run as a program.

    Raises `AssertionError` with its errors when it fails, and `subprocess.TimeoutExpired` when it takes longer than `seconds`.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(ROOT) / "client")]), "OMP_NUM_THREADS": "1"}
    result = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-1000:] + result.stderr[-3000:]
    return result.stdout
