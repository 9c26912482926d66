import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_some_hundred_requests_made_of_the_document_are_answered_within_it() -> None:
    """The same with more than ten thousand is `make fuzz`."""
    command = [sys.executable, "-m", "tests.service.contract.fuzz", "--phases", "examples,fuzzing", "--examples", "5"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    last = re.search(r"^(\d+) requests, 0 answered wrongly$", found.stdout, re.MULTILINE)
    assert found.returncode == 0, found.stdout[-10_000:] + found.stderr[-3000:]
    assert last is not None
    assert int(last[1]) > 200
