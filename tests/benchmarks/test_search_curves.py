import csv
import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.search_curves import main, parse
from models.spaces.nasbench201 import NasBench201


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 cells with how many convolutions they have; one was not measured."""
    space, rng = NasBench201(), np.random.default_rng(0)
    cells = {space.format_native(space.sample(rng)) for _ in range(120)}
    path = tmp_path_factory.mktemp("table") / "cells.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["architecture", "score"])
        writer.writerows([cell, "" if row == 5 else cell.count("nor_conv")] for row, cell in enumerate(sorted(cells)))
    return path


def test_figures_and_picture_are_written(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    peers = tmp_path / "peers.csv"
    peers.write_text("method,seed,evaluation,best_so_far\nother,0,1,2\nother,0,20,4\nother,1,1,3\nother,1,20,5\n")
    out, plot = tmp_path / "out" / "curves.json", tmp_path / "curves.png"
    arguments = ["--data", str(table), "--column", "score", "--seeds", "2", "--evaluations", "30", "--batch", "5"]
    strategies = ["--strategies", "svge,uniform,local_search", "--json", str(out), "--plot", str(plot), "--peers", str(peers)]
    main([*arguments, *strategies, "--workers", "1"])
    found = json.loads(out.read_text())
    assert set(found) == {"svge", "uniform", "local_search"}
    for figures in found.values():
        assert set(figures) == {"median_best", "median_evaluations_to_best", "per_seed"}
        assert set(figures["median_best"]) == {"25", "30"}
        curves = np.array([one["best_so_far"] for one in figures["per_seed"]])
        assert curves.shape == (2, 30)
        assert (np.diff(curves, axis=1) >= 0).all()
        assert figures["median_best"]["25"] == np.median(curves[:, 24])
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert "| svge |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--strategies", "svge,magic"], "unknown strategy 'magic'; choose among svge"),
        (["--seeds", "0"], "--seeds must be at least 1, got 0"),
    ],
)
def test_bad_options_say_what_is_wrong(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--data", "table.csv", "--column", "score", *arguments])
    assert message in capsys.readouterr().err


def test_bad_data_say_what_is_wrong(table: Path) -> None:
    with pytest.raises(SystemExit, match=r"no metric 'accuracy' was measured; choose one of score"):
        main(["--data", str(table), "--column", "accuracy"])
    with pytest.raises(SystemExit, match="nothing.csv"):
        main(["--data", "nothing.csv", "--column", "score"])
