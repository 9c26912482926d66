from pathlib import Path

import numpy as np
import pytest

from benchmarks.search_curves import Table
from benchmarks.search_tradeoffs import STRATEGIES, hypervolume, outcomes_of, run, shares
from tests.benchmarks.test_search_curves import table

__all__ = ["table"]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_finds_its_way_from_nothing(table: Path, strategy: str) -> None:
    whole = Table(table, "score", "nasbench201", "maximize", "nasbench201")
    order = run(whole, strategy, 0, 26, 13, "parameters")
    assert len(set(order)) == len(order) == 26
    found = shares(outcomes_of(whole, "parameters"), [order, order[::-1]], 26)
    assert list(found) == [25, 26]
    assert found[26][0] == found[26][1]
    assert found[25][0] <= found[26][0] <= 1.0


def test_the_hypervolume_of_two_corners() -> None:
    assert hypervolume(np.array([[1.0, 0.25], [0.5, 0.5], [0.4, 0.4]])) == pytest.approx(0.25 + 0.5 * 0.25)
