"""Another order of the nodes is a relabelling of the same graph."""

import numpy as np
import pytest
import torch

from models.architectures.architecture import from_graph
from models.architectures.canonical import canonical_id
from models.spaces.registry import get_space
from models.svge.packing import pack, unpack_one
from models.svge.packing_order import permuted, random_orders


@pytest.mark.parametrize("topological", [True, False])
def test_relabelled_graphs_are_isomorphic(topological: bool) -> None:
    space, rng = get_space("nasbench101"), np.random.default_rng(0)
    cells = [space.sample(rng) for _ in range(100)]
    graphs = pack(cells, space.vocabulary)
    orders = random_orders(graphs, torch.Generator().manual_seed(0), topological)
    again = permuted(graphs, orders)
    moved = 0
    for row, cell in enumerate(cells):
        size = cell.num_nodes
        assert again.mask[row].tolist() == [1.0] * size + [0.0] * (again.mask.shape[1] - size)
        labels, edges = unpack_one(again.types[row, :size].tolist(), again.adjacency[row, :size, :size].tolist(), space.vocabulary)
        assert sorted(labels) == sorted(cell.nodes)
        assert len(edges) == len(cell.edges)
        moved += edges != list(cell.edges)
        if topological:
            assert all(source < target for source, target in edges)
            assert canonical_id(from_graph(space.name, labels, edges)) == canonical_id(cell)
    assert moved > 20


def test_orders_are_drawn_from_all_topological_ones() -> None:
    space = get_space("nasbench101")
    labels = ["input", "conv1x1", "conv3x3", "maxpool3x3", "output"]
    cell = from_graph("nasbench101", labels, [(0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4)])
    graphs = pack([cell] * 300, space.vocabulary)
    orders = random_orders(graphs, torch.Generator().manual_seed(0), topological=True)
    assert len({tuple(order) for order in orders.tolist()}) == 6
