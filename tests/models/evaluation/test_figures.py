from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from models.evaluation import figures
from models.evaluation.figures import (
    MissingLibrary,
    draw_curves,
    draw_distribution,
    draw_scatter,
    draw_smoothness,
    require_matplotlib,
)
from models.evaluation.prediction import Predicted
from models.evaluation.smoothness import Smoothness

RNG = np.random.default_rng(0)


def test_every_picture_is_drawn_as_png_and_as_svg(tmp_path: Path) -> None:
    smooth = [Smoothness(0.5, 1.0, 40.0), Smoothness(1.0, 2.0, 80.0)]
    part = Predicted(RNG.random(200), RNG.random(200))
    drawn = [
        draw_smoothness({"ours": smooth, "theirs": smooth}, 9.0, tmp_path / "smoothness"),
        draw_scatter({"training labels": part, "test labels": part}, "acc", tmp_path / "scatter", seed=0),
        draw_curves({"latent": RNG.random((3, 10)), "uniform": RNG.random((3, 10))}, "acc", tmp_path / "curves"),
        draw_distribution({"measured": RNG.random(50), "best": RNG.random(5)}, "acc", tmp_path / "distribution"),
    ]
    for path in drawn:
        assert path.read_bytes().startswith(b"\x89PNG")
        assert ElementTree.parse(path.with_suffix(".svg")).getroot().tag.endswith("svg")


def test_equal_figures_are_equal_files(tmp_path: Path) -> None:
    curves = {"latent": np.arange(6.0).reshape(2, 3)}
    first, second = (draw_curves(curves, "acc", tmp_path / folder / "c") for folder in _folders(tmp_path))
    assert first.with_suffix(".svg").read_text() == second.with_suffix(".svg").read_text()


def test_a_missing_library_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingLibrary, match=r"pip install 'svge-search\[evaluate\]'"):
        require_matplotlib()


def _folders(path: Path) -> list[str]:
    for name in ("a", "b"):
        (path / name).mkdir()
    return ["a", "b"]
