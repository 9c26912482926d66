from pathlib import Path

import numpy as np
import pytest

from benchmarks.search_sources import VARIANTS, main, markdown, prepare, run
from models.search import pool
from tests.benchmarks.test_search_curves import table

__all__ = ["table"]


@pytest.fixture
def a_large_space(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "COMPLETE_LIMIT", 0)
    monkeypatch.setattr(pool, "SAMPLE_SIZE", 60)


@pytest.mark.usefixtures("a_large_space")
def test_every_variant_searches_the_whole_space_and_edits_find_more_than_the_pool_has(table: Path) -> None:
    best = {}
    for variant in VARIANTS:
        values = run(variant, 0, table, "score", "nasbench201", 18, 6)
        assert len(values) == 18
        best[variant] = max(values)
    assert best["all of it"] > best["the pool alone"]
    assert best["with ascents instead of edits"] < best["all of it"]


def test_the_objective_has_learnt_the_table(table: Path) -> None:
    objective, autoencoder = prepare(table, "score", "nasbench201")
    assert objective.correlation > 0.9
    rng = np.random.default_rng(3)
    drawn = [autoencoder.space.sample(rng) for _ in range(200)]
    convolutions = [sum("conv" in label for label in one.nodes) for one in drawn]
    assert np.corrcoef(objective(drawn), convolutions)[0, 1] > 0.8


def test_the_table_has_paired_differences() -> None:
    first = np.repeat([[0.5, 0.75]], 25, axis=0).T  # two seeds, the best value of each from the beginning
    table = markdown({"all": first, "less": first - [[0.25], [0.125]]})
    assert table.splitlines()[0] == "| | best@25 [q25, q75] | mean, to the first |"
    assert table.splitlines()[2:] == [
        "| all | 0.6250 [0.5625, 0.6875] |  |",
        "| less | 0.4375 [0.3438, 0.5312] | -0.18750 ± 0.06250 |",
    ]


def test_a_variant_that_does_not_exist_is_named(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--data", str(table), "--column", "score", "--space", "nasbench201", "--variants", "without luck"])
    assert "unknown variant 'without luck'" in capsys.readouterr().err
