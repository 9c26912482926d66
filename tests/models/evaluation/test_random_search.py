import numpy as np
import pytest

from models.evaluation.labels import Labelled
from models.evaluation.random_search import SpaceExhausted, covers, look_up, search_randomly
from models.spaces.enas_macro import EnasMacro
from tests.models.evaluation.memory import Memory

MEMORY = Memory(reach=0.5)
TABLE = Labelled(tuple(MEMORY.known), np.arange(float(len(MEMORY.known))), "acc")


def test_the_curves_are_the_best_so_far_of_distinct_architectures() -> None:
    asked = []

    def value(architectures):  # type: ignore[no-untyped-def]
        asked.append(list(architectures))
        return look_up(TABLE)(architectures)

    curves = search_randomly(MEMORY, value, 5, seeds=[0, 1])
    assert curves.latent.shape == curves.uniform.shape == (2, 5)
    assert all(len(set(graphs)) == 5 for graphs in asked)
    for curve, graphs in zip([curves.latent[0], curves.uniform[0]], asked[:2], strict=True):
        values = [MEMORY.known.index(graph) for graph in graphs]
        assert curve.tolist() == [max(values[: n + 1]) for n in range(5)]
    assert MEMORY.known.index(curves.best) == curves.latent.max()


def test_equal_seeds_search_equally_and_others_do_not() -> None:
    curves = search_randomly(MEMORY, look_up(TABLE), 4, [4, 4, 5])
    assert curves.uniform[0].tolist() == curves.uniform[1].tolist()
    assert curves.uniform[0].tolist() != curves.uniform[2].tolist()


def test_the_whole_space_is_told_from_a_part_of_it() -> None:
    assert covers(TABLE, MEMORY.space)
    assert not covers(TABLE.take(range(70)), MEMORY.space)
    assert not covers(TABLE, EnasMacro())


def test_more_than_the_prior_reaches_is_refused() -> None:
    with pytest.raises(SpaceExhausted, match="ask for fewer"):
        search_randomly(MEMORY, look_up(TABLE), 60, [0])
