"""The edit distance of `models/architectures/edit_distance.py` for whole batches of packed graphs in canonical order."""

import torch
from torch import Tensor
from torch.nn import functional

from models.svge.packing import PackedGraphs

_ABSENT = -1


def paired_distances(first: PackedGraphs, second: PackedGraphs) -> Tensor:
    """The edit distance of each graph of one batch to that in the same row of another: `b`, int64."""
    size = max(first.types.shape[1], second.types.shape[1])
    (types, edges), (other_types, other_edges) = _align(first, size), _align(second, size)
    return (types != other_types).sum(dim=1) + (edges != other_edges).sum(dim=(1, 2))


class DistanceTable:
    """All distances between batches of graphs, by products of 0-1 vectors. `num_types` is the size of the vocabulary."""

    def __init__(self, graphs: PackedGraphs, num_types: int) -> None:
        types, edges = _align(graphs, graphs.types.shape[1])
        self._size = types.shape[1]
        self._types = functional.one_hot(types - _ABSENT, num_types + 1).flatten(1).float()  # b x (n * (num_types + 1))
        self._edges = edges.flatten(1).float()  # b x (n * n)

    def between(self, rows: Tensor, columns: Tensor) -> Tensor:
        """The distances of the graphs at `rows` (`m`) to those at `columns` (`q`): `m x q`, float32 of whole numbers."""
        same_labels = self._types[rows] @ self._types[columns].T
        common = self._edges[rows] @ self._edges[columns].T
        num_edges = self._edges.sum(dim=1)
        return self._size - same_labels + num_edges[rows].unsqueeze(1) + num_edges[columns] - 2 * common


def _align(graphs: PackedGraphs, size: int) -> tuple[Tensor, Tensor]:
    """Types (`b x size`, -1 where there is no node) and edges (`b x size x size`, bool) with all outputs in the last place."""
    num_nodes = graphs.mask.sum(dim=1).long().unsqueeze(1)  # b x 1
    place = torch.arange(size, device=graphs.types.device).unsqueeze(0)  # 1 x size
    last = num_nodes - 1
    node = torch.where(place == size - 1, last, place).clamp(max=graphs.types.shape[1] - 1)  # b x size
    present = (place < last) | (place == size - 1)
    types = graphs.types.gather(1, node).masked_fill(~present, _ABSENT)
    rows = graphs.adjacency.gather(1, node.unsqueeze(2).expand(-1, -1, graphs.adjacency.shape[2]))
    edges = rows.gather(2, node.unsqueeze(1).expand(-1, size, -1)).bool()
    return types, edges & present.unsqueeze(1) & present.unsqueeze(2)
