"""Graphs to tensors and back."""

import numpy as np
import pytest
import torch

from models.spaces.registry import get_space
from models.svge.packing import pack, unpack_one


def test_packed_graphs_unpack_to_themselves() -> None:
    space = get_space("nasbench101")
    rng = np.random.default_rng(0)
    architectures = [space.sample(rng) for _ in range(50)]
    graphs = pack(architectures, space.vocabulary)
    for row, architecture in enumerate(architectures):
        size = int(graphs.mask[row].sum())
        labels, edges = unpack_one(
            graphs.types[row, :size].tolist(), graphs.adjacency[row, :size, :size].int().tolist(), space.vocabulary
        )
        assert (tuple(labels), tuple(edges)) == (architecture.nodes, architecture.edges)


def test_selected_graphs_are_padded_no_more_than_needed() -> None:
    space = get_space("nasbench101")
    by_size = sorted((space.sample(np.random.default_rng(seed)) for seed in range(60)), key=lambda graph: graph.num_nodes)
    graphs = pack(by_size, space.vocabulary)
    selected = graphs.select(torch.tensor([0]))
    assert selected.types.shape[1] == by_size[0].num_nodes < graphs.types.shape[1]


def test_an_unknown_label_is_named() -> None:
    architecture = get_space("nasbench101").sample(np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"expected labels among input, output, got"):
        pack([architecture], ("input", "output"))
