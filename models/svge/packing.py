"""Graphs to padded tensors and back. A batch of small graphs is dense, so that no operation scatters."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from models.architectures.architecture import Architecture, Edge

Graph = tuple[list[str], list[Edge]]
"""The labels and the edges of one graph, valid or not."""


class PackedGraphs(NamedTuple):
    """A batch of graphs padded to the same number of nodes.

    `types`: `b x n`, index into the vocabulary, 0 where there is no node.
    `adjacency`: `b x n x n`, 1 where an edge goes from the row's node to the column's node; float32.
    `mask`: `b x n`, 1 where there is a node; float32.
    """

    types: Tensor
    adjacency: Tensor
    mask: Tensor

    def to(self, device: torch.device) -> "PackedGraphs":
        return PackedGraphs(*(part.to(device) for part in self))

    def select(self, rows: Tensor) -> "PackedGraphs":
        """The graphs at `rows` (`m`), padded no more than they need."""
        mask = self.mask[rows]
        n = int(mask.sum(dim=1).max())
        return PackedGraphs(self.types[rows, :n], self.adjacency[rows, :n, :n], mask[:, :n])


def pack(architectures: Sequence[Architecture], vocabulary: Sequence[str]) -> PackedGraphs:
    """The graphs in the order given, each node in its architecture's order.

    Raises `ValueError` for a label outside the vocabulary.
    """
    index = {label: position for position, label in enumerate(vocabulary)}
    n = max((architecture.num_nodes for architecture in architectures), default=0)
    types = torch.zeros(len(architectures), n, dtype=torch.long)
    adjacency = torch.zeros(len(architectures), n, n)
    mask = torch.zeros(len(architectures), n)
    for row, architecture in enumerate(architectures):
        unknown = set(architecture.nodes) - index.keys()
        if unknown:
            raise ValueError(f"expected labels among {', '.join(vocabulary)}, got '{min(unknown)}'")
        types[row, : architecture.num_nodes] = torch.tensor([index[label] for label in architecture.nodes])
        mask[row, : architecture.num_nodes] = 1.0
        sources, targets = zip(*architecture.edges, strict=True) if architecture.edges else ((), ())
        adjacency[row, list(sources), list(targets)] = 1.0
    return PackedGraphs(types, adjacency, mask)


def unpack_one(types: Sequence[int], adjacency: Sequence[Sequence[int]], vocabulary: Sequence[str]) -> Graph:
    """Labels and edges of one graph from lists of its types and its adjacency matrix, both without padding."""
    labels = [vocabulary[position] for position in types]
    edges = [(source, target) for source, row in enumerate(adjacency) for target, bit in enumerate(row) if bit]
    return labels, edges
