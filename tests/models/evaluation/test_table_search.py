from dataclasses import replace

import numpy as np
import pytest

from models.evaluation.table_search import curves, search_table
from models.search import pool
from models.search.proposal import STRATEGIES, Strategy
from tests.models.evaluation.tables import small_table


def test_curves_are_running_bests_with_their_medians() -> None:
    values = np.array([1.0, 5.0, 3.0, 9.0])
    found = curves(values, "maximize", [[0, 2, 1], [1, 3, 0], [2, 0, 3]])
    assert found.best.tolist() == [[1.0, 3.0, 5.0], [5.0, 9.0, 9.0], [3.0, 3.0, 9.0]]
    assert found.found_after == (None, 2, 3)
    assert found.median_best() == {3: 9.0}
    assert found.median_found_after == 3.0


def test_small_values_can_be_good() -> None:
    found = curves(np.array([1.0, 5.0, 3.0]), "minimize", [[1, 2], [2, 0]])
    assert found.best.tolist() == [[5.0, 3.0], [3.0, 1.0]]
    assert found.found_after == (None, 2)
    assert found.median_found_after is None


def test_a_run_that_stopped_early_keeps_its_best() -> None:
    assert curves(np.array([1.0, 2.0]), "maximize", [[0], [0, 1]]).best.tolist() == [[1.0, 1.0], [1.0, 2.0]]


def test_budgets_within_the_run_are_reported() -> None:
    assert list(curves(np.arange(130.0), "maximize", [list(range(130))]).median_best()) == [25, 50, 100, 130]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_row_is_searched_once(strategy: Strategy) -> None:
    autoencoder, values = small_table()
    order = search_table(autoencoder, values, "maximize", 22, 6, 0, strategy)
    assert len(order) == len(set(order)) == 22
    assert order == search_table(autoencoder, values, "maximize", 22, 6, 0, strategy)
    assert order != search_table(autoencoder, values, "maximize", 22, 6, 1, strategy)


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_the_search_finds_the_best_row_long_before_chance_does(direction: str) -> None:
    autoencoder, values = small_table()
    signed = values if direction == "maximize" else -values
    orders = [search_table(autoencoder, signed, direction, 40, 2, seed) for seed in range(3)]  # type: ignore[arg-type]
    median = curves(signed, direction, orders).median_found_after  # type: ignore[arg-type]
    assert median is not None
    assert median < 40  # by chance half of the table, 200


def test_a_table_too_large_to_be_listed_is_searched_by_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "COMPLETE_LIMIT", 100)
    autoencoder, values = small_table()
    order = search_table(replace(autoencoder), values, "maximize", 20, 3, 0)
    assert len(set(order)) == 20


def test_a_table_that_is_used_up_ends_the_run() -> None:
    autoencoder, values = small_table()
    assert sorted(search_table(autoencoder, values, "maximize", 10_000, 200, 0, "random")) == list(range(len(values)))
