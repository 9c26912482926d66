"""A newcomer's path: how long it takes from a clone to the first trained architecture, with the commands of the README.

    python -m benchmarks.newcomer

The repository is cloned into a folder that is deleted again; what pip has in its cache is used, as for any newcomer who has it.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 1800.0


def walk(folder: Path) -> dict[str, float]:
    """Seconds from the start until each step was done. Raises `RuntimeError` where one is not."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    url, start, done = f"http://127.0.0.1:{port}", time.monotonic(), {}
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    done["git clone"] = time.monotonic() - start
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"SVGE_PORT": str(port)}
    with subprocess.Popen(["make", "serve"], cwd=folder, env=environment, stdout=sys.stderr, start_new_session=True) as server:
        try:
            _wait(lambda: httpx.get(url + "/readyz").status_code == 200, "the service", server)
            done["make serve"] = time.monotonic() - start
            trainer = [".venv/bin/python", "examples/train_digits.py", "--trainers", "3", "--trials", "40", "--url", url]
            with subprocess.Popen(trainer, cwd=folder, env=environment, stdout=sys.stderr, start_new_session=True) as training:
                _wait(lambda: _completed(url) > 0, "a trial", training)
                done["examples/train_digits.py, first trial"] = time.monotonic() - start
                os.killpg(training.pid, signal.SIGTERM)
        finally:
            os.killpg(server.pid, signal.SIGTERM)
    return done


def _completed(url: str) -> int:
    studies = httpx.get(url + "/studies").raise_for_status().json()["studies"]
    return sum(study["trials"]["completed"] for study in studies)


def _wait(holds: Callable[[], bool], what: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if holds():
                return
        except httpx.TransportError:
            pass  # not there yet
        time.sleep(0.2)
    raise RuntimeError(f"{what} did not come")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        for step, seconds in walk(Path(name) / "clone").items():
            print(f"{step}: done after {seconds / 60:.1f} minutes")


if __name__ == "__main__":
    main()
