"""The layout: layers, room between things, and the least-squares placement against a slow reference."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from models.architectures.architecture import Architecture
from models.architectures.layout import LANE_GAP, lay_out, spread
from tests.strategies import architectures, labelled_dags


@given(st.one_of(labelled_dags(max_nodes=9), architectures()))
def test_every_edge_runs_down_through_one_item_a_layer(architecture: Architecture) -> None:
    layout = lay_out(architecture, [60.0] * architecture.num_nodes)
    for edge in architecture.edges:
        route = layout.route(edge)
        assert (route[0][0], route[-1][0]) == edge
        assert [layer for _, layer in route] == list(range(layout.layer_of[edge[0]], layout.layer_of[edge[1]] + 1))
        assert len(route) >= 2
        assert set(itertools.pairwise(route)) <= set(layout.links)
    assert sorted(item for layer in layout.layers for item in layer) == sorted(layout.x)
    assert layout.layer_of[-1] == max(layout.layer_of)


@given(st.one_of(labelled_dags(max_nodes=9), architectures()), st.integers(20, 200))
def test_nothing_overlaps_and_lanes_keep_away_from_nodes(architecture: Architecture, width: int) -> None:
    layout = lay_out(architecture, [float(width)] * architecture.num_nodes)
    for layer in layout.layers:
        for left, right in itertools.pairwise(layer):
            halves = sum(width / 2 for node, number in (left, right) if layout.layer_of[node] == number)
            assert layout.x[right] - layout.x[left] >= halves + LANE_GAP - 1e-6


def test_a_chain_is_straight_and_a_planar_graph_has_no_crossing() -> None:
    chain = Architecture("any", ("input", "a", "b", "output"), ((0, 1), (1, 2), (2, 3)))
    assert len({round(x, 6) for x in lay_out(chain, [50.0] * 4).x.values()}) == 1
    # two strands whose nodes are numbered so that the order of the numbers would cross them
    strands = Architecture("any", ("input", "a", "b", "c", "d", "output"), ((0, 1), (0, 2), (1, 4), (2, 3), (3, 5), (4, 5)))
    layout = lay_out(strands, [50.0] * 6)
    assert (layout.x[1, 1] < layout.x[2, 1]) == (layout.x[4, 2] < layout.x[3, 2])


@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(1, 30), st.integers(1, 5)), min_size=1, max_size=6))
def test_spread_is_the_least_squares_placement(rows: list[tuple[int, int, int]]) -> None:
    wanted, gaps, weights = ([float(value) for value in column] for column in zip(*rows, strict=True))
    places = spread(wanted, gaps[1:], weights)
    apart = [{"type": "ineq", "fun": lambda x, i=i, gap=gap: x[i + 1] - x[i] - gap} for i, gap in enumerate(gaps[1:])]

    def cost(x: np.ndarray) -> float:
        return float(sum(weight * (place - target) ** 2 for place, target, weight in zip(x, wanted, weights, strict=True)))

    start = np.cumsum(gaps)
    reference = minimize(cost, start, constraints=apart, method="SLSQP", options={"maxiter": 300, "ftol": 1e-12})
    assert all(constraint["fun"](places) >= -1e-9 for constraint in apart)
    assert cost(np.array(places)) <= reference.fun + 1e-3 or not reference.success


def test_spread_hand_values() -> None:
    assert spread([0.0, 10.0], [4.0], [1.0, 1.0]) == [0.0, 10.0]
    assert spread([5.0, 5.0], [4.0], [1.0, 1.0]) == [3.0, 7.0]
    assert spread([5.0, 5.0], [4.0], [3.0, 1.0]) == pytest.approx([4.0, 8.0])
