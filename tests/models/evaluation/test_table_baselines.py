import numpy as np
import pytest

from models.evaluation.table_baselines import POPULATION, RANDOM_START, baselines, uniform
from models.evaluation.table_search import curves
from tests.models.evaluation.tables import small_table

AUTOENCODER, VALUES = small_table()
BASELINES = baselines(AUTOENCODER.space)


@pytest.mark.parametrize("name", BASELINES)
def test_rows_come_once_and_from_the_seed(name: str) -> None:
    order = BASELINES[name](VALUES, "maximize", 45, 20, 3)
    assert len(order) == len(set(order)) == 45
    assert order == BASELINES[name](VALUES, "maximize", 45, 20, 3)
    assert order != BASELINES[name](VALUES, "maximize", 45, 20, 4)
    assert len(BASELINES[name](VALUES, "maximize", 3, 1, 3)) == 3


@pytest.mark.parametrize("name", ["local_search", "evolution", "hamming_gp"])
@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_what_learns_beats_chance(name: str, direction: str) -> None:
    signed = VALUES if direction == "maximize" else -VALUES
    learnt = curves(signed, direction, [BASELINES[name](signed, direction, 60, 10, seed) for seed in range(3)])  # type: ignore[arg-type]
    chance = curves(signed, direction, [uniform(len(VALUES), 60, seed) for seed in range(20)])  # type: ignore[arg-type]
    better = np.median(learnt.best[:, -1]) - np.median(chance.best[:, -1])
    assert better > 0.0 if direction == "maximize" else better < 0.0


@pytest.mark.parametrize("name", ["local_search", "evolution", "hamming_gp"])
def test_a_table_can_be_used_up(name: str) -> None:
    few = VALUES[:]
    assert sorted(BASELINES[name](few, "maximize", len(few) + 10, len(few), 0)) == list(range(len(few)))


def test_local_search_moves_to_neighbours() -> None:
    space = AUTOENCODER.space
    order = BASELINES["local_search"](VALUES, "maximize", 12, 1, 0)
    neighbours = {space.places[one] for one in space.neighbours(space.architectures[order[0]])}
    assert order[1] in neighbours


def test_evolution_and_process_start_at_random() -> None:
    assert BASELINES["evolution"](VALUES, "maximize", 60, 1, 5)[:POPULATION] == uniform(len(VALUES), POPULATION, 5)
    assert BASELINES["hamming_gp"](VALUES, "maximize", 12, 1, 5)[:RANDOM_START] == uniform(len(VALUES), RANDOM_START, 5)


@pytest.mark.parametrize("name", ["evolution", "hamming_gp"])
def test_a_batch_is_chosen_before_any_of_it_is_evaluated(name: str) -> None:
    order = BASELINES[name](VALUES, "maximize", 100, 40, 2)
    changed = VALUES.copy()
    changed[order[40:80]] = VALUES.max() + 1.0
    again = BASELINES[name](changed, "maximize", 100, 40, 2)
    assert again[:80] == order[:80]
    assert again[80:] != order[80:]
