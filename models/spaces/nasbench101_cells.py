"""All 423,624 cells of NAS-Bench-101: their enumeration from nothing, and the compact table that is shipped.

Ying et al., "NAS-Bench-101: towards reproducible neural architecture search" (2019). The enumeration lists the unlabelled graphs
first, one of each isomorphism class, and then the labellings of each up to its automorphisms.
"""

import itertools
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pynauty

from models.architectures.architecture import INPUT, OUTPUT, Architecture, Edge
from models.architectures.canonical import canonicalise

SPACE = "nasbench101"
OPERATIONS = ("conv1x1", "conv3x3", "maxpool3x3")
MAX_NODES = 7
MAX_EDGES = 9

_TABLE = Path(__file__).with_name("nasbench101_cells.npz")
_PAIRS = tuple((source, target) for target in range(1, MAX_NODES) for source in range(target))
_LABEL_SHIFT = len(_PAIRS)


@cache
def load_codes() -> np.ndarray:
    """The codes of all cells in canonical order, ascending, from the shipped table: `423,624`, uint32."""
    with np.load(_TABLE) as table:
        codes: np.ndarray = np.cumsum(table["steps"], dtype=np.uint32)
    codes.setflags(write=False)
    return codes


def save_codes(codes: np.ndarray) -> None:
    """Write the table that `load_codes` reads."""
    np.savez_compressed(_TABLE, steps=np.diff(codes, prepend=np.uint32(0)))


def decode_cell(code: int) -> Architecture:
    """The cell of a code: one bit a node pair, column by column, then two bits a label (0: no such node)."""
    labels = [OPERATIONS[digit - 1] for digit in _label_digits(code) if digit]
    edges = tuple(pair for bit, pair in enumerate(_PAIRS) if code >> bit & 1)
    return Architecture(SPACE, (INPUT, *labels, OUTPUT), edges)


def encode_cell(cell: Architecture) -> int:
    """The code of a cell with at most 7 nodes."""
    edges = set(cell.edges)
    code = sum(1 << bit for bit, pair in enumerate(_PAIRS) if pair in edges)
    for place, label in enumerate(cell.nodes[1:-1]):
        code |= (OPERATIONS.index(label) + 1) << (_LABEL_SHIFT + 2 * place)
    return code


def enumerate_codes() -> np.ndarray:
    """The codes of every cell up to isomorphism, ascending, computed from nothing in less than a minute."""
    codes = [encode_cell(cell) for n in range(2, MAX_NODES + 1) for graph in unlabelled_graphs(n) for cell in labellings(graph)]
    return np.array(sorted(codes), dtype=np.uint32)


def unlabelled_graphs(num_nodes: int) -> list[Architecture]:
    """One graph of each isomorphism class with `num_nodes` nodes, at most 9 edges and every node on an input-output path."""
    found: dict[tuple[Edge, ...], Architecture] = {}
    for code in _candidate_codes(num_nodes).tolist():
        edges = tuple(pair for bit, pair in enumerate(_PAIRS) if code >> bit & 1)
        graph = canonicalise(Architecture(SPACE, (INPUT, *[OPERATIONS[0]] * (num_nodes - 2), OUTPUT), edges))
        found.setdefault(graph.edges, graph)
    return list(found.values())


def labellings(graph: Architecture) -> Iterator[Architecture]:
    """One canonical cell for each class of labellings of `graph` under its automorphisms."""
    num_operations, places = len(OPERATIONS), graph.num_nodes - 2
    generators = _automorphism_generators(graph)
    digits = np.array(list(itertools.product(range(num_operations), repeat=places)), dtype=np.int64).reshape(
        num_operations**places, places
    )
    weights = num_operations ** np.arange(places - 1, -1, -1, dtype=np.int64)
    smallest = np.arange(len(digits))
    images = [digits[:, [image - 1 for image in generator[1:-1]]] @ weights for generator in generators]
    while True:
        before = smallest.copy()
        for image in images:
            smallest = np.minimum(smallest, smallest[image])
            np.minimum.at(smallest, image, smallest.copy())
        if np.array_equal(before, smallest):
            break
    for row in digits[smallest == np.arange(len(digits))]:
        cell = Architecture(SPACE, (INPUT, *(OPERATIONS[digit] for digit in row), OUTPUT), graph.edges)
        yield canonicalise(cell) if generators else cell


def _candidate_codes(num_nodes: int) -> np.ndarray:
    """The edge sets in topological order in which every node has what a path needs; isomorphic ones are still among them."""
    codes = np.arange(1 << (num_nodes * (num_nodes - 1) // 2), dtype=np.uint32)
    codes = codes[np.bitwise_count(codes) <= MAX_EDGES]
    for node in range(num_nodes):
        if node:
            codes = codes[codes & _mask(num_nodes, target=node) != 0]
        if node < num_nodes - 1:
            codes = codes[codes & _mask(num_nodes, source=node) != 0]
    return codes


def _mask(num_nodes: int, source: int | None = None, target: int | None = None) -> np.uint32:
    pairs = enumerate(pair for pair in _PAIRS if pair[1] < num_nodes)
    return np.uint32(sum(1 << bit for bit, pair in pairs if source in (None, pair[0]) and target in (None, pair[1])))


def _automorphism_generators(graph: Architecture) -> Sequence[Sequence[int]]:
    n = graph.num_nodes
    middle = set(range(1, n - 1))
    parts = [{0}, middle, {n - 1}] if middle else [{0}, {n - 1}]
    adjacency = {node: list(graph.successors(node)) for node in range(n)}
    generators: Sequence[Sequence[int]] = pynauty.autgrp(pynauty.Graph(n, True, adjacency, parts))[0]
    return generators


def _label_digits(code: int) -> list[int]:
    return [code >> (_LABEL_SHIFT + 2 * place) & 3 for place in range(MAX_NODES - 2)]
