"""Architectures in the forms of others: the service's JSON value, networkx graphs and DOT text.

The communities' own forms (matrix, string, list) belong to their spaces in `models/spaces`, PyTorch Geometric is in
`models/svge/geometric.py`, pictures are in `drawing.py`.
"""

import json
from collections.abc import Mapping
from typing import Any

import networkx

from models.architectures.architecture import Architecture, Fault, InvalidArchitecture, from_graph

DOT_NODES = "  node [shape=box, style=rounded];"
"""The statement that says how nodes look."""
_KEYS = ("space", "nodes", "edges")


def to_json(architecture: Architecture) -> dict[str, Any]:
    """The value `{"space": …, "nodes": [label, …], "edges": [[source, target], …]}` of plain lists and strings."""
    return {"space": architecture.space, "nodes": list(architecture.nodes), "edges": [list(edge) for edge in architecture.edges]}


def from_json(value: Any) -> Architecture:
    """The architecture of a value as `to_json` gives it; the nodes between `input` and `output` may stand in any order.

    Raises `InvalidArchitecture` with a fault for every part of the wrong type, or for every broken rule of graphs.
    """
    if not isinstance(value, Mapping):
        raise InvalidArchitecture([Fault("", f"expected an object with {', '.join(_KEYS)}, got {_kind(value)}")])
    faults = [Fault(f"/{key}", f"'{key}' is missing; give space, nodes and edges") for key in _KEYS if key not in value]
    faults += [
        Fault(_pointer(key), f"unknown field '{key}'; expected only {', '.join(_KEYS)}") for key in value if key not in _KEYS
    ]
    if "space" in value and not isinstance(value["space"], str):
        faults.append(Fault("/space", f"expected the name of a space, got {_kind(value['space'])}"))
    faults += _label_faults(value.get("nodes", [])) + _edge_faults(value.get("edges", []))
    if faults:
        raise InvalidArchitecture(faults)
    return from_graph(value["space"], value["nodes"], [(source, target) for source, target in value["edges"]])


def to_networkx(architecture: Architecture) -> networkx.DiGraph:
    """A `DiGraph` of the nodes 0, 1, … with the attribute `label`; the graph's own attribute `space` names the space."""
    graph = networkx.DiGraph(space=architecture.space)
    graph.add_nodes_from((node, {"label": label}) for node, label in enumerate(architecture.nodes))
    graph.add_edges_from(architecture.edges)
    return graph


def from_networkx(graph: networkx.DiGraph, space: str) -> Architecture:
    """The architecture of a `DiGraph` with `label` attributes, whose nodes may have any names and stand in any order.

    Raises `InvalidArchitecture` where a label is missing, where there is not one `input` and one `output`, or for a cycle.
    """
    if not graph.is_directed() or graph.is_multigraph():
        raise InvalidArchitecture([Fault("", f"expected a networkx.DiGraph, got {type(graph).__name__}")])
    names = list(graph.nodes)
    labels = [graph.nodes[name].get("label") for name in names]
    faults = _label_faults(labels)
    if faults:
        raise InvalidArchitecture(faults)
    rank = {"input": 0, "output": 2}
    order = sorted(range(len(names)), key=lambda index: rank.get(labels[index], 1))
    place = {names[index]: position for position, index in enumerate(order)}
    return from_graph(space, [labels[index] for index in order], [(place[source], place[target]) for source, target in graph.edges])


def to_dot(architecture: Architecture) -> str:
    """The graph in the DOT language of Graphviz, one line a node and an edge."""
    return "\n".join([f"digraph {dot_string(architecture.space)} {{", DOT_NODES, *dot_statements(architecture), "}", ""])


def dot_statements(architecture: Architecture, prefix: str = "") -> list[str]:
    """The lines of nodes and edges. Nodes are called by their numbers after `prefix`, which keeps several graphs apart."""
    names = [dot_string(f"{prefix}{node}") if prefix else f"{node}" for node in range(architecture.num_nodes)]
    lines = [f"  {name} [label={dot_string(label)}];" for name, label in zip(names, architecture.nodes, strict=True)]
    return [*lines, *(f"  {names[source]} -> {names[target]};" for source, target in architecture.edges)]


def dot_string(text: str) -> str:
    """The text as a quoted string of the DOT language."""
    return json.dumps(text, ensure_ascii=False)


def _label_faults(nodes: Any) -> list[Fault]:
    if not isinstance(nodes, list):
        return [Fault("/nodes", f"expected a list of labels, got {_kind(nodes)}")]
    return [
        Fault(f"/nodes/{index}", f"expected the label of an operation, got {_kind(label)}")
        for index, label in enumerate(nodes)
        if not isinstance(label, str)
    ]


def _edge_faults(edges: Any) -> list[Fault]:
    if not isinstance(edges, list):
        return [Fault("/edges", f"expected a list of [source, target] pairs, got {_kind(edges)}")]
    return [
        Fault(f"/edges/{index}", f"expected a pair of node indices [source, target], got {_kind(edge)}")
        for index, edge in enumerate(edges)
        if not (isinstance(edge, list | tuple) and len(edge) == 2 and all(type(end) is int for end in edge))
    ]


def _pointer(key: Any) -> str:
    """The JSON pointer of a field, escaped as RFC 6901 says."""
    return "/" + str(key).replace("~", "~0").replace("/", "~1")


def _kind(value: Any) -> str:
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:60] + '…'}"
