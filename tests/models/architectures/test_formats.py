"""Every form there and back, and the faults of malformed values with their pointers."""

import json
from typing import Any

import networkx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.architectures.architecture import Architecture, InvalidArchitecture
from models.architectures.canonical import canonicalise
from models.architectures.formats import from_json, from_networkx, to_dot, to_json, to_networkx
from tests.models.architectures.dot_parser import parse
from tests.strategies import architectures, labelled_dags, relabellings

CELL = {"space": "any", "nodes": ["input", "a", "output"], "edges": [[0, 1], [1, 2]]}


@given(st.one_of(labelled_dags(), architectures()))
def test_json_round_trips_through_text(architecture: Architecture) -> None:
    assert from_json(json.loads(json.dumps(to_json(architecture)))) == architecture


@given(st.data())
def test_json_takes_the_nodes_in_any_order(data: st.DataObject) -> None:
    architecture = data.draw(labelled_dags())
    nodes, edges = data.draw(relabellings(architecture))
    value = {"space": architecture.space, "nodes": nodes, "edges": [list(edge) for edge in edges]}
    assert canonicalise(from_json(value)) == canonicalise(architecture)


@pytest.mark.parametrize(
    ("change", "pointers"),
    [
        ({"space": 3}, ["/space"]),
        ({"nodes": "input"}, ["/nodes"]),
        ({"nodes": ["input", None, 3, "output"]}, ["/nodes/1", "/nodes/2"]),
        ({"edges": {}}, ["/edges"]),
        ({"edges": [[0, 1], [1], [1, 2, 3], "12", [1, 2.0], [True, 2]]}, [f"/edges/{index}" for index in (1, 2, 3, 4, 5)]),
        ({"edges": [[0, 1], [1, 9]]}, ["/edges/1"]),
        ({"nodes": ["input", "output", "output"]}, ["/nodes/1"]),
        ({"a/b~c": 1}, ["/a~1b~0c"]),
        ({"space": None, "nodes": 1, "edges": 2, "id": 3}, ["/id", "/space", "/nodes", "/edges"]),
    ],
)
def test_each_malformed_part_is_named(change: dict[str, Any], pointers: list[str]) -> None:
    with pytest.raises(InvalidArchitecture) as caught:
        from_json({**CELL, **change})
    assert [fault.pointer for fault in caught.value.faults] == pointers
    assert all("expected" in fault.message or ";" in fault.message for fault in caught.value.faults)


@pytest.mark.parametrize("value", [None, [], "text", 3])
def test_a_value_that_is_no_object_is_refused(value: Any) -> None:
    with pytest.raises(InvalidArchitecture, match="expected an object with space, nodes, edges"):
        from_json(value)


@pytest.mark.parametrize("missing", ["space", "nodes", "edges"])
def test_a_missing_field_is_named(missing: str) -> None:
    with pytest.raises(InvalidArchitecture) as caught:
        from_json({key: part for key, part in CELL.items() if key != missing})
    assert [fault.pointer for fault in caught.value.faults] == [f"/{missing}"]


def test_a_long_wrong_value_is_not_repeated_whole() -> None:
    with pytest.raises(InvalidArchitecture) as caught:
        from_json({**CELL, "space": [0] * 10_000})
    assert len(str(caught.value)) < 200


@given(st.one_of(labelled_dags(), architectures()))
def test_networkx_round_trips(architecture: Architecture) -> None:
    graph = to_networkx(architecture)
    assert networkx.is_directed_acyclic_graph(graph)
    assert from_networkx(graph, architecture.space) == architecture


@given(st.data())
def test_networkx_graphs_may_have_any_names_in_any_order(data: st.DataObject) -> None:
    architecture = data.draw(labelled_dags())
    graph = networkx.relabel_nodes(to_networkx(architecture), lambda node: f"layer {node}")
    shuffled = networkx.DiGraph()
    shuffled.add_nodes_from(data.draw(st.permutations(list(graph.nodes(data=True)))))
    shuffled.add_edges_from(graph.edges)
    assert canonicalise(from_networkx(shuffled, architecture.space)) == canonicalise(architecture)


def test_networkx_graphs_of_the_wrong_kind_are_refused() -> None:
    good = to_networkx(from_json(CELL))
    with pytest.raises(InvalidArchitecture, match="expected a networkx.DiGraph, got Graph"):
        from_networkx(good.to_undirected(), "any")
    good.add_node("unlabelled")
    with pytest.raises(InvalidArchitecture) as caught:
        from_networkx(good, "any")
    assert [fault.pointer for fault in caught.value.faults] == ["/nodes/3"]


def test_two_inputs_in_a_networkx_graph_are_refused() -> None:
    graph = networkx.DiGraph()
    graph.add_nodes_from([(0, {"label": "input"}), (1, {"label": "input"}), (2, {"label": "output"})])
    graph.add_edges_from([(0, 2), (1, 2)])
    with pytest.raises(InvalidArchitecture) as caught:
        from_networkx(graph, "any")
    assert [fault.pointer for fault in caught.value.faults] == ["/nodes/1"]


def test_dot_names_nodes_and_edges_and_escapes_labels() -> None:
    text = to_dot(Architecture("any", ("input", 'say "a\\b"', "output"), ((0, 1), (1, 2))))
    assert text.splitlines() == [
        'digraph "any" {',
        "  node [shape=box, style=rounded];",
        '  0 [label="input"];',
        '  1 [label="say \\"a\\\\b\\""];',
        '  2 [label="output"];',
        "  0 -> 1;",
        "  1 -> 2;",
        "}",
    ]


@settings(max_examples=25)
@given(st.one_of(labelled_dags(labels=("a", 'say "a\\b"', "c\\", "<d>;", "->")), architectures()))
def test_a_parser_of_dot_reads_the_same_graph(architecture: Architecture) -> None:
    ((labels, edges),), _ = parse(to_dot(architecture))
    assert labels == {str(node): label for node, label in enumerate(architecture.nodes)}
    assert sorted((int(source), int(target)) for source, target in edges) == list(architecture.edges)
