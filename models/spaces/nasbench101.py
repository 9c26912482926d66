"""The NAS-Bench-101 space: cells of at most 7 nodes and 9 edges with three operations, every node on an input-output path.

The enumeration and its shipped table are in `nasbench101_cells.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.architectures.architecture import Architecture, Fault, InvalidArchitecture, from_graph
from models.architectures.canonical import canonicalise
from models.spaces.edits import grown, relabelled, rewired, shrunk
from models.spaces.grammar import Grammar
from models.spaces.nasbench101_cells import MAX_EDGES, MAX_NODES, OPERATIONS, decode_cell, load_codes
from models.spaces.space import label_faults, nodes_on_paths, path_faults, raise_if_any, size_faults, vocabulary_of

_NATIVE = {
    "conv1x1": "conv1x1-bn-relu",
    "conv3x3": "conv3x3-bn-relu",
    "maxpool3x3": "maxpool3x3",
    "input": "input",
    "output": "output",
}
_FROM_NATIVE = {native: label for label, native in _NATIVE.items()}


@dataclass(frozen=True)
class NasBench101:
    """Cells up to isomorphism; `prune` first drops what no path uses."""

    name: str = "nasbench101"
    operations: tuple[str, ...] = OPERATIONS
    max_nodes: int = MAX_NODES
    max_edges: int = MAX_EDGES

    @property
    def vocabulary(self) -> tuple[str, ...]:
        return vocabulary_of(self.operations)

    @property
    def size(self) -> int:
        return len(load_codes())

    def validate(self, architecture: Architecture, max_nodes: int | None = None) -> None:
        faults = label_faults(self, architecture)
        faults += size_faults(architecture, 2, max(max_nodes or 0, self.max_nodes))
        if len(architecture.edges) > self.max_edges:
            faults.append(Fault("/edges", f"expected at most {self.max_edges} edges, got {len(architecture.edges)}; remove some"))
        faults += path_faults(architecture)
        raise_if_any(faults)

    def prune(self, architecture: Architecture) -> Architecture:
        """The cell without the nodes that lie on no input-output path. Raises `InvalidArchitecture` where no path is left."""
        useful = nodes_on_paths(architecture)
        if 0 not in useful:
            raise InvalidArchitecture([Fault("/edges", "no path leads from the input to the output; add the missing edges")])
        place = {node: index for index, node in enumerate(sorted(useful))}
        edges = tuple((place[u], place[v]) for u, v in architecture.edges if u in place and v in place)
        return Architecture(architecture.space, tuple(architecture.nodes[node] for node in place), edges)

    def sample(self, rng: np.random.Generator) -> Architecture:
        codes = load_codes()
        return decode_cell(int(codes[rng.integers(len(codes))]))

    def neighbours(self, architecture: Architecture, max_nodes: int | None = None) -> list[Architecture]:
        self.validate(architecture, max_nodes)
        limit = max(max_nodes or 0, self.max_nodes)
        found = {canonicalise(architecture): None}
        candidates = (
            *relabelled(architecture, self.operations),
            *rewired(architecture),
            *grown(architecture, self.operations),
            *shrunk(architecture),
        )
        for nodes, edges in candidates:
            if len(nodes) > limit or len(edges) > self.max_edges + 1:
                continue
            try:
                cell = self.prune(from_graph(self.name, nodes, edges))
            except InvalidArchitecture:
                continue
            if len(cell.edges) <= self.max_edges:
                found.setdefault(canonicalise(cell))
        return list(found)[1:]

    def enumerate(self) -> Iterator[Architecture]:
        return (decode_cell(code) for code in load_codes().tolist())

    def grammar(self, max_nodes: int | None = None) -> Grammar:
        return Grammar(self.vocabulary, 2, max(max_nodes or 0, self.max_nodes), max_edges=self.max_edges)

    def parse_native(self, value: Any) -> Architecture:
        """The matrix and operations `{"matrix": [[0, 1], [0, 0]], "ops": ["input", "output"]}`; unused nodes are pruned."""
        if not isinstance(value, dict) or set(value) != {"matrix", "ops"}:
            raise InvalidArchitecture([Fault("", "expected an object with 'matrix' and 'ops'")])
        matrix, ops = value["matrix"], value["ops"]
        if not isinstance(ops, list) or any(not isinstance(op, str) or op not in _FROM_NATIVE for op in ops):
            raise InvalidArchitecture([Fault("/ops", f"expected a list of {', '.join(_FROM_NATIVE)}, got {ops!r}")])
        square = isinstance(matrix, list) and all(isinstance(row, list) and len(row) == len(ops) for row in matrix)
        if not square or len(matrix) != len(ops) or any(bit not in (0, 1) for row in matrix for bit in row):
            raise InvalidArchitecture(
                [Fault("/matrix", f"expected {len(ops)} rows of {len(ops)} zeros and ones, one for each of 'ops'")]
            )
        edges = [(u, v) for u, row in enumerate(matrix) for v, bit in enumerate(row) if bit]
        cell = self.prune(from_graph(self.name, [_FROM_NATIVE[op] for op in ops], edges))
        self.validate(cell)
        return canonicalise(cell)

    def format_native(self, architecture: Architecture) -> dict[str, Any]:
        n = architecture.num_nodes
        edges = set(architecture.edges)
        return {
            "matrix": [[int((u, v) in edges) for v in range(n)] for u in range(n)],
            "ops": [_NATIVE[label] for label in architecture.nodes],
        }
