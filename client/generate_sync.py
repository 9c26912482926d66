"""Makes the client for threads, `svge_client/_sync`, from the one for asyncio: `python client/generate_sync.py`.

Every name that begins with Async loses that; which names these are is read from the sources. What cannot be had by leaving words
out, tasks against threads, is in `svge_client/concurrency.py`.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import unasync

PACKAGE = Path(__file__).parent / "svge_client"
SETTINGS = Path(__file__).parents[1] / "pyproject.toml"
_NAME = re.compile(r"\bAsync[A-Z]\w*")
_OTHERS = {"_async": "_sync", "async_sleep": "sleep", "aclose": "close"}


def generate(folder: Path) -> None:
    """Writes the sources into a folder, `_sync`, where `_async` stands beside them, formatted."""
    sources = sorted(path for path in folder.with_name("_async").glob("*.py") if path.name != "__init__.py")
    names = {name for path in sources for name in _NAME.findall(path.read_text(encoding="utf-8"))}
    replacements = {name: name.removeprefix("Async") for name in names} | _OTHERS
    rule = unasync.Rule(f"/{folder.parent.name}/_async/", f"/{folder.parent.name}/{folder.name}/", replacements)
    unasync.unasync_files([str(path) for path in sources], [rule])
    for command in (["check", "--quiet", "--fix", "--select", "I,UP028", "--unsafe-fixes"], ["format", "--quiet"]):
        subprocess.run([_ruff(), *command, "--config", str(SETTINGS), str(folder)], check=True)


def _ruff() -> str:
    return shutil.which("ruff", path=str(Path(sys.executable).parent)) or "ruff"


if __name__ == "__main__":
    generate(PACKAGE / "_sync")
