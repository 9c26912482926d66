from pathlib import Path

import pytest

from benchmarks.search_curves import Table
from benchmarks.search_rounds import Round, markdown, run
from tests.benchmarks.test_search_curves import table

__all__ = ["table"]


@pytest.mark.parametrize("strategy", ["svge", "latent"])
def test_rounds_go_on_from_labels(table: Path, strategy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.search_rounds.HELD_OUT", 40)
    whole = Table(table, "score", "nasbench201", "maximize", "nasbench201")
    rounds = run(whole, strategy, 0, 30, 3, 5)  # type: ignore[arg-type]
    assert [one.observations for one in rounds] == [30, 35, 40, 45]
    assert [one.best for one in rounds] == sorted(one.best for one in rounds)
    # How many convolutions a cell has is learnt from thirty of them.
    assert all(one.pearson_r > 0.7 and one.rmse < 0.8 for one in rounds)


def test_the_table_has_a_row_for_each_round() -> None:
    runs = {0: [Round(10, 0.5, 0.8, 0.4), Round(60, 0.7, 0.9, 0.2)], 1: [Round(10, 0.7, 0.8, 0.4), Round(60, 0.7, 0.9, 0.2)]}
    assert markdown(runs).splitlines()[2:] == [
        "| 10 | 0.6000 ± 0.1000 | 0.8000 ± 0.0000 | 0.4000 ± 0.0000 |",
        "| 60 | 0.7000 ± 0.0000 | 0.9000 ± 0.0000 | 0.2000 ± 0.0000 |",
    ]
