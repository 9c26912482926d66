"""What of an architecture's structure the surrogate sees beside its latent point: labels and edges, by place and counted.

Columns come in blocks; `inputs.py` scales them. Labels and edges by place make squared distances of the edit distance of
`models/architectures/edit_distance.py`; the counts tell what two architectures have in common wherever it stands: those of
labels are the first features of a Weisfeiler-Lehman kernel, those of edges a part of its next ones (Ru et al., "Interpretable
neural architecture search via Bayesian optimisation with Weisfeiler-Lehman kernels", 2021).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.architectures.architecture import Architecture
from models.spaces.space import SearchSpace

MAX_COLUMNS = 1024
"""A block of more columns, as spaces of very many nodes have it, is left out: time and memory of a step grow with them."""

Columns = npt.NDArray[np.float32]


class Block(NamedTuple):
    """One kind of feature, `shape` for each architecture. Columns of one first index share a length-scale where `by_first` says so,
    else all of the block do.
    """

    name: str
    shape: tuple[int, ...]
    by_first: bool

    @property
    def width(self) -> int:
        return int(np.prod(self.shape))

    @property
    def sharing(self) -> npt.NDArray[np.int64]:
        """For each column the number, within the block, of its length-scale."""
        return np.arange(self.width) // (self.width // self.shape[0]) if self.by_first else np.zeros(self.width, dtype=np.int64)


class StructuralFeatures:
    """The features of one space.

    A node's place is its index in canonical order, of the output the last one of the space as it is trained. What a larger
    architecture has beyond these places is only counted.
    """

    def __init__(self, space: SearchSpace) -> None:
        self._types = {label: index for index, label in enumerate(space.vocabulary)}
        self._places = space.max_nodes
        num_types, places = len(self._types), self._places
        blocks = (
            Block("labels by place", (places, num_types + 1), by_first=True),  # the last of a place: there is no node
            Block("edges by place", (places, places), by_first=False),
            Block("labels", (num_types,), by_first=True),
            Block("labels of edges", (num_types, num_types), by_first=False),
        )
        self.blocks = tuple(block for block in blocks if block.width <= MAX_COLUMNS)

    def __call__(self, architectures: Sequence[Architecture]) -> Columns:
        """The features of architectures in canonical order, `n x c`, one architecture a row."""
        parts = [np.zeros((len(architectures), *block.shape), dtype=np.float32) for block in self.blocks]
        for block, part in zip(self.blocks, parts, strict=True):
            fill = _FILL[block.name]
            for row, architecture in zip(part, architectures, strict=True):
                types = [self._types[label] for label in architecture.nodes]
                fill(row, architecture, types, self._places)
        flat = (part.reshape(len(architectures), block.width) for block, part in zip(self.blocks, parts, strict=True))
        return np.concatenate([np.zeros((len(architectures), 0), dtype=np.float32), *flat], axis=1)


def _labels_by_place(row: Columns, architecture: Architecture, types: Sequence[int], num_places: int) -> None:
    inner = types[:-1][: num_places - 1]
    row[np.arange(len(inner)), inner] = 1.0
    row[len(inner) : num_places - 1, -1] = 1.0
    row[num_places - 1, types[-1]] = 1.0


def _edges_by_place(row: Columns, architecture: Architecture, types: Sequence[int], num_places: int) -> None:
    output = len(types) - 1
    for source, target in architecture.edges:
        place = num_places - 1 if target == output else target
        if source < num_places - 1 and (target == output or target < num_places - 1):
            row[source, place] = 1.0


def _labels(row: Columns, architecture: Architecture, types: Sequence[int], num_places: int) -> None:
    for label in types:
        row[label] += 1.0


def _labels_of_edges(row: Columns, architecture: Architecture, types: Sequence[int], num_places: int) -> None:
    for source, target in architecture.edges:
        row[types[source], types[target]] += 1.0


_FILL = {
    "labels by place": _labels_by_place,
    "edges by place": _edges_by_place,
    "labels": _labels,
    "labels of edges": _labels_of_edges,
}
