"""The documents build as a site: every page in the navigation, every link found, nothing loaded from elsewhere."""

import html
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from service.app import create_app
from service.settings import Settings

ROOT = Path(__file__).parents[1]
LOADED = re.compile(r"<(?:script|img|link|iframe)\b[^>]*?\b(?:src|href)=\"(https?:)?//")


def operations() -> list[tuple[str, str, Any]]:
    """Method, path and description of every operation."""
    document = create_app(Settings(), worker=None).openapi()  # type: ignore[arg-type]  # nothing is computed
    return [(verb.upper(), path, one) for path, verbs in document["paths"].items() for verb, one in verbs.items()]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_document_is_a_page(site: Path) -> None:
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert pages <= {path.stem for path in site.glob("*.html")}
    assert not (site / "hooks").exists()


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    assert LOADED.search('<script src="https://cdn.example/a.js">')
    for page in site.glob("*.html"):
        assert not LOADED.search(page.read_text()), page.name


def test_every_setting_and_every_operation_has_its_place(site: Path) -> None:
    settings, api = (re.sub(r"<[^>]+>", "", (site / name).read_text()) for name in ("settings.html", "api.html"))
    for name, field in Settings.model_fields.items():
        assert f"SVGE_{name.upper()}" in settings
        assert field.description
        assert field.description in html.unescape(settings)
    for method, path, operation in operations():
        assert f"{method} {path}" in api
        parameters = [parameter for parameter in operation.get("parameters", []) if parameter["in"] == "query"]
        undocumented = [parameter["name"] for parameter in parameters if not parameter.get("description")]
        assert (undocumented, bool(operation.get("description"))) == ([], True), f"{method} {path} is not described"
