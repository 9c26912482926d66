"""The documents build as a site: every page in the navigation, every link found, nothing loaded from elsewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from service.settings import Settings

ROOT = Path(__file__).parents[1]
LOADED = re.compile(r"<(?:script|img|link|iframe)\b[^>]*?\b(?:src|href)=\"(https?:)?//")


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
    assert all(f"SVGE_{name.upper()}" in settings for name in Settings.model_fields)
    for operation in ("POST /suggest", "POST /observe", "GET /decode", "GET /studies/{name}/export", "PUT /models/{name}"):
        assert operation in api
