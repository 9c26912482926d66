"""A newcomer's path: how long it takes from a clone to the first trained architecture, with the commands of the README.

    python -m benchmarks.newcomer

The last commit of this repository is cloned into a folder that is deleted again; what pip has in its cache is used, as for any
newcomer who has it.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 1800.0
SERVE = ("make", "serve")
TRAIN = (".venv/bin/python", "examples/train_digits.py", "--trainers", "3", "--trials", "40")
"""As the README has them."""


def walk(folder: Path) -> dict[str, float]:
    """Seconds from the start until each command had done its part, by command. Raises `RuntimeError` where one does not."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    url, start, done = f"http://127.0.0.1:{port}", time.monotonic(), {}
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    done["git clone"] = time.monotonic() - start
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH" and not name.startswith("SVGE_")}
    environment = own | {"SVGE_PORT": str(port)}
    with started(SERVE, folder, environment) as server:
        wait_until(lambda: httpx.get(url + "/readyz").status_code == 200, "the service", server)
        done[" ".join(SERVE)] = time.monotonic() - start
        with started((*TRAIN, "--url", url), folder, environment) as training:
            wait_until(lambda: _completed(url) > 0, "a trial", training)
            done[" ".join(TRAIN)] = time.monotonic() - start
    return done


@contextmanager
def started(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A program that is ended after the block, and all that it has started."""
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=sys.stderr, start_new_session=True) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)


def wait_until(holds: Callable[[], bool], what: str, process: subprocess.Popen[bytes]) -> None:
    """Raises `RuntimeError` where it does not come to hold, because the process has ended or patience has."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        has_ended = process.poll() is not None
        with suppress(httpx.TransportError):  # not there yet
            if holds():
                return
        if has_ended:
            raise RuntimeError(f"{what} did not come: the program ended with {process.returncode}")
        time.sleep(0.2)
    raise RuntimeError(f"{what} did not come within {PATIENCE_SECONDS:.0f} seconds")


def _completed(url: str) -> int:
    studies = httpx.get(url + "/studies").raise_for_status().json()["studies"]
    return sum(study["trials"]["completed"] for study in studies)


def sentence(done: Mapping[str, float]) -> str:
    """What the README says of it."""
    return f"From nothing to the first trained architecture: {len(done)} commands, {max(done.values()) / 60:.1f} minutes."


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        done = walk(Path(name) / "clone")
    for command, seconds in done.items():
        print(f"{command}: done after {seconds / 60:.1f} minutes")
    print(sentence(done))


if __name__ == "__main__":
    main()
