"""Imports point down, as the contracts in `pyproject.toml` say, and what needs no torch does not load it."""

import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import models.architectures
import models.datasets
import models.spaces

ROOT = Path(__file__).parents[1]
LIGHT = [
    *(f"models.architectures.{module.name}" for module in pkgutil.iter_modules(models.architectures.__path__)),
    *(f"models.spaces.{module.name}" for module in pkgutil.iter_modules(models.spaces.__path__)),
    *(f"models.datasets.{module.name}" for module in pkgutil.iter_modules(models.datasets.__path__)),
    "models.networks.costs.published_cost",
    "models.networks.source.network_source",
    "models.pretrained.additions",
    "models.pretrained.catalogue",
    "models.pretrained.embedded_card",
]
HEAVY = ("torch", "torch_geometric", "gpytorch", "fastapi", "sqlalchemy")


def run(code: str) -> subprocess.CompletedProcess[str]:
    """The code in a fresh interpreter that sees this checkout."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_the_contracts_of_the_layers_hold() -> None:
    result = run("import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True, no_logo=True))")
    assert result.returncode == 0, result.stdout + result.stderr


def test_architectures_and_spaces_load_without_torch() -> None:
    assert len(LIGHT) > 10
    result = run(f"import sys\nimport {', '.join(LIGHT)}\nprint([name for name in {HEAVY} if name in sys.modules])")
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "[]"


def test_the_check_for_loaded_modules_can_fail() -> None:
    assert run(f"import sys, torch\nprint([name for name in {HEAVY} if name in sys.modules])").stdout.strip() == "['torch']"
