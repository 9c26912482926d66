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
    order = run(whole, strategy, 0, 30, 6, "parameters")
    assert len(set(order)) == len(order) == 30
    found = shares(outcomes_of(whole, "parameters"), [order, order[::-1]], 30)
    assert list(found) == [25, 30]
    assert found[30][0] == found[30][1]
    assert found[25][0] <= found[30][0] <= 1.0


def test_the_hypervolume_of_two_corners() -> None:
    assert hypervolume(np.array([[1.0, 0.25], [0.5, 0.5], [0.4, 0.4]])) == pytest.approx(0.25 + 0.5 * 0.25)
