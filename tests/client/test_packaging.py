"""The client as a distribution of its own: what its wheel holds and needs, and what it loads."""

import importlib
import importlib.metadata
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest
from svge_client import Client, MissingExtra

from client.generate_sync import PACKAGE
from tests.client.wire import FakeServer, client_of

OPTIONAL = ("pandas", "ray", "lightning", "pytorch_lightning", "torch", "numpy", "service", "models")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, with the build backend that is installed."""
    folder = tmp_path_factory.mktemp("client")
    source = folder / "client"
    shutil.copytree(PACKAGE.parent, source, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build"))
    code = f"import setuptools.build_meta as backend; backend.build_wheel({str(folder)!r})"
    done = subprocess.run([sys.executable, "-c", code], cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


def test_the_wheel_is_typed_and_needs_httpx_alone(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    (distribution,) = importlib.metadata.distributions(path=[str(wheel)])
    metadata, needed = distribution.metadata, distribution.requires or []
    assert {f"svge_client/{path.relative_to(PACKAGE)}" for path in PACKAGE.rglob("*.py")} <= names
    assert "svge_client/py.typed" in names
    assert any(name.endswith("/LICENSE") for name in names)
    assert [one for one in needed if "extra" not in one] == ["httpx"]
    assert metadata["Name"] == "svge-client"
    assert "from svge_client import Client" in metadata["Description"]


def test_every_extra_that_an_error_names_is_one(wheel: Path) -> None:
    named = {
        extra for path in PACKAGE.rglob("*.py") for extra in re.findall(r'MissingExtra\("[\w.]+", "(\w+)"\)', path.read_text())
    }
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(next(name for name in archive.namelist() if name.endswith("METADATA"))).decode()
    assert named == set(re.findall(r"^Provides-Extra: (\w+)$", text, flags=re.MULTILINE))


def test_the_client_loads_nothing_but_httpx() -> None:
    code = f"import sys, svge_client, svge_client.optuna_style; sys.exit(str([n for n in {OPTIONAL} if n in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "[]"


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pandas", "ray", "ray.tune", "lightning", "lightning.pytorch", "pytorch_lightning"):
        monkeypatch.setitem(sys.modules, name, None)
    server = FakeServer()
    server.on("/studies/demo/export", httpx.Response(200, text='{"number": 1}\n'))
    with client_of(server) as client, pytest.raises(MissingExtra, match=r"pip install 'svge-client\[pandas\]'"):
        client.to_dataframe("demo")
    for module, extra in (("ray_tune", "ray"), ("lightning", "lightning")):
        monkeypatch.delitem(sys.modules, f"svge_client.{module}", raising=False)
        with pytest.raises(MissingExtra, match=rf"'svge-client\[{extra}\]'"):
            importlib.import_module(f"svge_client.{module}")


def test_an_address_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SVGE_URL", "http://elsewhere:9000")
    with Client() as client, Client("http://here") as given:
        assert (client.base_url, given.base_url) == ("http://elsewhere:9000", "http://here")
    monkeypatch.delenv("SVGE_URL")
    with Client() as client:
        assert client.base_url == "http://127.0.0.1:8000"
