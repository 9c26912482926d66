import os
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from benchmarks.newcomer import SERVE, TRAIN, sentence, started, wait_until
from tests.documents.blocks import blocks


def test_the_commands_are_those_of_the_readme() -> None:
    typed = [line for block in blocks("") if block.document == "README.md" for line in block.text.splitlines()]
    assert [" ".join(command) in typed for command in (SERVE, TRAIN)] == [True, True]


def is_alive(process: int) -> bool:
    """Whether it runs; one that has ended and that nobody has asked about does not."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes() != b""
    except OSError:
        return False


def test_a_program_is_ended_with_all_that_it_has_started(tmp_path: Path) -> None:
    script = "sleep 100 & echo $! > child; wait"
    with started(["sh", "-c", script], tmp_path, os.environ) as process:
        wait_until(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text() != "", "a child", process)
    assert process.returncode != 0
    child, deadline = int((tmp_path / "child").read_text()), time.monotonic() + 30
    while is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_alive(child)


def test_what_does_not_come_is_named() -> None:
    def never() -> bool:
        raise httpx.ConnectError("refused")

    with subprocess.Popen(["false"]) as process, pytest.raises(RuntimeError, match="the service did not come: .* ended with 1"):
        wait_until(never, "the service", process)


def test_the_sentence_has_the_number_of_commands_and_the_minutes() -> None:
    done = {"git clone": 3.0, "make serve": 120.0, "train": 150.0}
    assert sentence(done) == "From nothing to the first trained architecture: 3 commands, 2.5 minutes."
