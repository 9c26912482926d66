"""`svge draw`: pictures of files and trials, as SVG and PNG."""

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from svge_client import Client
from typer.testing import CliRunner, Result

from service.cli import app
from tests.client.live import serving

CELL = '{"nodes": ["input", "conv3x3", "output"], "edges": [[0, 1], [1, 2]]}'


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("service")) as url:
        yield url


def draw(*arguments: object, text: str | None = CELL) -> Result:
    return CliRunner().invoke(app, ["draw", *map(str, arguments)], input=text)


def ink(content: bytes) -> tuple[tuple[int, int], float]:
    """Width and height, and the share of pixels that are not white."""
    image = Image.open(io.BytesIO(content)).convert("RGB")
    return image.size, float((np.asarray(image) < 200).any(axis=-1).mean())


def test_a_file_is_drawn_in_the_form_that_its_name_says(tmp_path: Path) -> None:
    svg, png, large = (tmp_path / name for name in ("cell.svg", "cell.png", "large.png"))
    for path, options in ((svg, ()), (png, ()), (large, ("--zoom", 4))):
        done = draw("--space", "nasbench101", "--out", path, *options)
        assert done.exit_code == 0, done.output
    assert svg.read_text().startswith("<svg")
    (width, height), covered = ink(png.read_bytes())
    assert 0.01 < covered < 0.9
    assert ink(large.read_bytes())[0] == (2 * width, 2 * height)
    assert draw("--space", "nasbench101").stdout.startswith("<svg")
    assert draw("--space", "nasbench101", "--format", "png").stdout_bytes.startswith(b"\x89PNG")


def test_a_trial_of_a_server_is_drawn(url: str) -> None:
    with Client(url) as client:
        client.create_study("demo", "nasbench101")
        (trial,) = client.suggest("demo").trials
        assert draw("--trial", trial.id, "--url", url).stdout == client.trial_as("svg", trial)
    assert draw("--trial", "nothing", "--url", url).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "text", "message"),
    [
        ((), CELL, "name it by --space"),
        (("--space", "nasbench101"), CELL + "\n" + CELL, "expected one architecture, got 2"),
        (("--space", "nasbench101", "--out", "cell.pdf"), CELL, ".svg or .png"),
        (("--space", "nasbench101"), "{", "line 1 is no JSON value"),
        (("--space", "nasbench101", "--out", "nowhere/cell.svg"), CELL, "cannot write to 'nowhere/cell.svg'"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments: tuple[str, ...], text: str, message: str) -> None:
    result = draw(*arguments, text=text)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_without_the_converter_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    result = draw("--space", "nasbench101", "--format", "png")
    assert result.exit_code == 2
    assert "pip install 'svge-search[png]'" in result.stderr
