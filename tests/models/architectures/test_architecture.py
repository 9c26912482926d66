"""The value and its faults: what is accepted, in which order, and what a message says."""

import copy
import dataclasses
import itertools
import pickle
import re

import networkx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from models.architectures.architecture import Architecture, InvalidArchitecture, from_graph, topological_order
from tests.strategies import labelled_dags, relabellings


def faults_of(nodes: list[str], edges: list[tuple[int, int]]) -> list[tuple[str, str]]:
    with pytest.raises(InvalidArchitecture) as caught:
        from_graph("any", nodes, edges)
    return [(fault.pointer, fault.message) for fault in caught.value.faults]


@given(st.data())
def test_any_order_of_the_nodes_gives_a_topological_order_of_the_same_graph(data: st.DataObject) -> None:
    architecture = data.draw(labelled_dags())
    last = architecture.num_nodes - 1
    nodes, edges = data.draw(relabellings(architecture))
    rebuilt = from_graph("anything", nodes, edges)
    assert all(source < target for source, target in rebuilt.edges)
    assert (rebuilt.nodes[0], rebuilt.nodes[last]) == ("input", "output")
    assert sorted(rebuilt.nodes) == sorted(nodes)
    named = sorted((rebuilt.nodes[source], rebuilt.nodes[target]) for source, target in rebuilt.edges)
    assert named == sorted((nodes[source], nodes[target]) for source, target in edges)


@given(labelled_dags())
def test_nodes_that_are_in_order_keep_it(architecture: Architecture) -> None:
    assert from_graph("anything", architecture.nodes, reversed(architecture.edges)) == architecture


@given(labelled_dags())
def test_neighbours_of_nodes_agree_with_the_edges(architecture: Architecture) -> None:
    nodes = range(architecture.num_nodes)
    assert {(source, node) for node in nodes for source in architecture.predecessors(node)} == set(architecture.edges)
    assert {(node, target) for node in nodes for target in architecture.successors(node)} == set(architecture.edges)


def test_it_is_a_value() -> None:
    first = Architecture("any", ("input", "a", "output"), ((1, 2), (0, 1)))
    second = Architecture("any", ("input", "a", "output"), ((0, 1), (1, 2)))
    assert first == second
    assert hash(first) == hash(second)
    assert pickle.loads(pickle.dumps(first)) == copy.deepcopy(first) == first
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.space = "other"  # type: ignore[misc]


def test_a_reordering_must_be_topological() -> None:
    architecture = Architecture("any", ("input", "a", "b", "output"), ((0, 1), (0, 2), (1, 3), (2, 3)))
    assert architecture.with_order([0, 2, 1, 3]).nodes == ("input", "b", "a", "output")
    chain = Architecture("any", ("input", "a", "b", "output"), ((0, 1), (1, 2), (2, 3)))
    with pytest.raises(InvalidArchitecture):
        chain.with_order([0, 2, 1, 3])


@given(st.data())
def test_every_cycle_is_found_and_the_named_one_is_real(data: st.DataObject) -> None:
    middle = data.draw(st.integers(2, 5))
    last = middle + 1
    pairs = list(itertools.permutations(range(1, last), 2))
    edges = sorted(data.draw(st.sets(st.sampled_from(pairs), min_size=2))) + [(0, 1), (last - 1, last)]
    assume(not networkx.is_directed_acyclic_graph(networkx.DiGraph(edges)))
    [(pointer, message)] = faults_of(["input", *["a"] * middle, "output"], edges)
    named = re.search(r"the cycle ([\d >-]+);", message)
    assert named is not None
    cycle = [int(node) for node in named.group(1).split(" -> ")]
    assert pointer == "/edges"
    assert cycle[0] == cycle[-1]
    assert len(set(cycle)) == len(cycle) - 1 >= 2
    assert set(itertools.pairwise(cycle)) <= set(edges)


@pytest.mark.parametrize(
    ("nodes", "edges", "pointers"),
    [
        ([], [], ["/nodes"]),
        (["input"], [], ["/nodes"]),
        (["a", "output"], [(0, 1)], ["/nodes/0"]),
        (["input", "a"], [(0, 1)], ["/nodes/1"]),
        (["input", "output", "input", "output"], [(0, 3)], ["/nodes/1", "/nodes/2"]),
        (["input", "output"], [(0, 2)], ["/edges/0"]),
        (["input", "output"], [(-1, 1)], ["/edges/0"]),
        (["input", "a", "output"], [(0, 1), (1, 1)], ["/edges/1"]),
        (["input", "a", "output"], [(0, 1), (0, 1), (1, 2)], ["/edges/1"]),
        (["input", "a", "output"], [(1, 0), (1, 2)], ["/edges"]),
        (["input", "a", "output"], [(0, 1), (2, 1)], ["/edges"]),
        (["output", "a", "input"], [(0, 5), (1, 1)], ["/nodes/0", "/nodes/2", "/edges/0", "/edges/1"]),
    ],
)
def test_each_broken_rule_is_named_where_it_is_broken(nodes: list[str], edges: list[tuple[int, int]], pointers: list[str]) -> None:
    assert [pointer for pointer, _ in faults_of(nodes, edges)] == pointers


def test_an_edge_against_the_order_is_named() -> None:
    with pytest.raises(InvalidArchitecture) as caught:
        Architecture("any", ("input", "a", "b", "output"), ((0, 2), (2, 1), (1, 3)))
    assert [fault.pointer for fault in caught.value.faults] == ["/edges/1"]
    assert "topological" in str(caught.value)


def test_the_error_survives_a_process_boundary() -> None:
    with pytest.raises(InvalidArchitecture) as caught:
        from_graph("any", ["a", "b"], [])
    copied = pickle.loads(pickle.dumps(caught.value))
    assert copied.faults == caught.value.faults
    assert str(copied) == str(caught.value)


def test_topological_order_takes_the_smallest_key_that_is_ready() -> None:
    assert topological_order([(0, 3), (2, 1)], [(5,), (0,), (4,), (1,)]) == [2, 1, 0, 3]
    assert topological_order([(0, 1), (1, 0)], [(0,), (1,)]) is None
