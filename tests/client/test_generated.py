"""The client for threads is the one for asyncio without asyncio: made from it anew, it is the same, and both offer the same."""

import inspect
import shutil
from pathlib import Path
from types import ModuleType

import pytest
import svge_client
from svge_client import AsyncClient, AsyncRunningTrial, Client, RunningTrial

from client.generate_sync import PACKAGE, generate


def public(kind: type) -> dict[str, inspect.Signature]:
    return {
        name: inspect.signature(member)
        for name, member in inspect.getmembers(kind)
        if callable(member) and not name.startswith("_")
    }


def test_the_generated_sources_are_those_that_are_stored(tmp_path: Path) -> None:
    package = tmp_path / "svge_client"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("_sync", "__pycache__"))
    (package / "_sync").mkdir()
    shutil.copy(PACKAGE / "_sync" / "__init__.py", package / "_sync")
    generate(package / "_sync")
    made = {path.name: path.read_text() for path in (package / "_sync").glob("*.py")}
    stored = {path.name: path.read_text() for path in (PACKAGE / "_sync").glob("*.py")}
    assert made == stored, "make the client for threads again: python client/generate_sync.py"
    assert "AsyncTransport" in (PACKAGE / "_async" / "transport.py").read_text()


def test_nothing_of_asyncio_is_left() -> None:
    sources = "".join(path.read_text() for path in (PACKAGE / "_sync").glob("*.py"))
    code = "\n".join(line for line in sources.splitlines() if "`AsyncClient` for asyncio" not in line and '"""' not in line)
    assert not {"async", "await", "asyncio"} & set(code.split())


@pytest.mark.parametrize(("threads", "tasks"), [(Client, AsyncClient), (RunningTrial, AsyncRunningTrial)])
def test_both_have_the_same_methods_with_the_same_parameters(threads: type, tasks: type) -> None:
    assert len(public(threads)) > 4
    assert {name: list(one.parameters) for name, one in public(threads).items()} == {
        name: list(one.parameters) for name, one in public(tasks).items()
    }


def test_the_face_of_the_package_names_what_it_holds() -> None:
    assert isinstance(svge_client, ModuleType)
    assert all(hasattr(svge_client, name) for name in svge_client.__all__)
    assert sorted(svge_client.__all__) == svge_client.__all__
