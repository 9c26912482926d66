"""Exact isomorphism: the canonical order and the canonical id of an architecture, by nauty.

McKay & Piperno, "Practical graph isomorphism, II" (2014), through `pynauty`.
"""

import hashlib
from functools import lru_cache

import pynauty

from models.architectures.architecture import Architecture, topological_order


def canonicalise(architecture: Architecture) -> Architecture:
    """The member of the isomorphism class of `architecture` that stands for the class.

    Isomorphic architectures give equal results, others never do. The order is topological; ties go first to the unlabelled
    graph (the orbit of its automorphism group in nauty's canonical labelling), then to the labelled graph, so that
    architectures which differ only in their operations keep the same edges wherever that is possible.
    """
    if _has_unique_order(architecture):
        return architecture
    return _canonicalise(architecture)


def canonical_id(architecture: Architecture) -> str:
    """A name shared by exactly the architectures isomorphic to this one: SHA-256 of the canonical form, in hex."""
    canonical = canonicalise(architecture)
    edges = ",".join(f"{source}-{target}" for source, target in canonical.edges)
    text = f"{canonical.space}|{','.join(canonical.nodes)}|{edges}"
    return hashlib.sha256(text.encode()).hexdigest()


def _has_unique_order(architecture: Architecture) -> bool:
    edges = set(architecture.edges)
    return all((node, node + 1) in edges for node in range(architecture.num_nodes - 1))


@lru_cache(maxsize=65536)
def _canonicalise(architecture: Architecture) -> Architecture:
    n = architecture.num_nodes
    adjacency = {node: list(architecture.successors(node)) for node in range(n)}
    middle = set(range(1, n - 1))
    parts = [{0}, middle, {n - 1}] if middle else [{0}, {n - 1}]
    bare = pynauty.Graph(n, directed=True, adjacency_dict=adjacency, vertex_coloring=parts)
    rank = _orbit_ranks(bare, n)
    cells: dict[tuple[int, str], set[int]] = {}
    for node, label in enumerate(architecture.nodes):
        cells.setdefault((rank[node], label), set()).add(node)
    if len(cells) == n:
        keys = [(rank[node], label) for node, label in enumerate(architecture.nodes)]
        place = {key: index for index, key in enumerate(sorted(keys))}
        order = topological_order(architecture.edges, [(place[key],) for key in keys])
    else:
        labelled = pynauty.Graph(n, directed=True, adjacency_dict=adjacency, vertex_coloring=[cells[key] for key in sorted(cells)])
        position = _positions(labelled)
        order = topological_order(architecture.edges, [(rank[node], position[node]) for node in range(n)])
    assert order is not None, "an Architecture is acyclic by construction"
    return architecture.with_order(order)


def _orbit_ranks(graph: pynauty.Graph, num_nodes: int) -> list[int]:
    """For each node the smallest canonical position in its orbit; the orbits are the same for every isomorphic graph."""
    position = _positions(graph)
    orbits = pynauty.autgrp(graph)[3]
    smallest: dict[int, int] = {}
    for node in range(num_nodes):
        smallest[orbits[node]] = min(smallest.get(orbits[node], num_nodes), position[node])
    return [smallest[orbits[node]] for node in range(num_nodes)]


def _positions(graph: pynauty.Graph) -> dict[int, int]:
    return {node: index for index, node in enumerate(pynauty.canon_label(graph))}
