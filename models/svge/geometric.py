"""Architectures as PyTorch Geometric graphs and back. The model's own padded tensors are in `packing.py`."""

from collections.abc import Sequence

import torch
from torch_geometric.data import Data

from models.architectures.architecture import Architecture, from_graph


def to_data(architecture: Architecture, vocabulary: Sequence[str]) -> Data:
    """`x`: the type of each node, its index in `vocabulary` (`n`, int64); `edge_index`: source and target of each edge (`2 x e`).

    Raises `ValueError` for a label that is not in the vocabulary.
    """
    unknown = [label for label in architecture.nodes if label not in vocabulary]
    if unknown:
        raise ValueError(f"expected labels from {', '.join(vocabulary)}, got '{unknown[0]}'; give the vocabulary of its space")
    types = torch.tensor([vocabulary.index(label) for label in architecture.nodes])
    edges = torch.tensor(architecture.edges, dtype=torch.long).reshape(-1, 2)
    return Data(x=types, edge_index=edges.t().contiguous(), num_nodes=architecture.num_nodes)


def from_data(data: Data, space: str, vocabulary: Sequence[str]) -> Architecture:
    """The architecture of a graph as `to_data` gives it; the nodes between the first and the last may stand in any order.

    Raises `ValueError` for a type outside the vocabulary and `InvalidArchitecture` for a graph that is none.
    """
    types = data.x.tolist()
    unknown = [index for index in types if not 0 <= index < len(vocabulary)]
    if unknown:
        raise ValueError(f"expected node types in 0..{len(vocabulary) - 1}, got {unknown[0]}; give the vocabulary of its space")
    return from_graph(
        space, [vocabulary[index] for index in types], [(source, target) for source, target in data.edge_index.t().tolist()]
    )
