"""The edit distance: hand values, the metric's laws, and the true graph edit distance of networkx as a lower bound."""

import networkx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.architectures.architecture import Architecture, from_graph
from models.architectures.canonical import canonical_id
from models.architectures.edit_distance import edit_distance
from models.architectures.formats import to_networkx
from models.spaces.enas_macro import EnasMacro
from tests.strategies import labelled_dags, members, relabellings


def chain(*labels: str) -> Architecture:
    nodes = ("input", *labels, "output")
    return Architecture("any", nodes, tuple((node, node + 1) for node in range(len(nodes) - 1)))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (chain("a", "b"), chain("a", "b"), 0),
        (chain("a", "b"), chain("a", "c"), 1),
        (chain("a", "b"), chain("b", "a"), 2),
        # the node that is missing, then the edges 1 -> 2 and 2 -> output against 1 -> output
        (chain("a"), chain("a", "b"), 1 + 3),
        (chain(), chain("a", "b"), 2 + 4),
    ],
)
def test_hand_values(first: Architecture, second: Architecture, expected: int) -> None:
    assert edit_distance(first, second) == expected


def test_one_edge_more_is_one_edit() -> None:
    plain = chain("a", "b")
    skipped = Architecture("any", plain.nodes, (*plain.edges, (0, 2)))
    assert edit_distance(plain, skipped) == 1


@given(labelled_dags(max_nodes=6), labelled_dags(max_nodes=6), labelled_dags(max_nodes=6))
def test_it_is_a_metric_on_isomorphism_classes(first: Architecture, second: Architecture, third: Architecture) -> None:
    assert edit_distance(first, second) == edit_distance(second, first)
    assert (edit_distance(first, second) == 0) == (canonical_id(first) == canonical_id(second))
    assert edit_distance(first, third) <= edit_distance(first, second) + edit_distance(second, third)


@given(st.data())
def test_relabelling_either_side_changes_nothing(data: st.DataObject) -> None:
    first, second = data.draw(labelled_dags()), data.draw(labelled_dags())
    assert edit_distance(from_graph("anything", *data.draw(relabellings(first))), second) == edit_distance(first, second)


@settings(max_examples=25)
@given(labelled_dags(max_nodes=5), labelled_dags(max_nodes=5))
def test_it_bounds_the_true_graph_edit_distance_from_above(first: Architecture, second: Architecture) -> None:
    true = networkx.graph_edit_distance(to_networkx(first), to_networkx(second), node_match=lambda a, b: a["label"] == b["label"])
    assert true <= edit_distance(first, second)


@given(st.data())
def test_a_neighbour_in_a_space_with_a_fixed_order_is_one_edit_away(data: st.DataObject) -> None:
    space = EnasMacro()
    architecture = data.draw(members(space))
    assert {edit_distance(architecture, neighbour) for neighbour in space.neighbours(architecture)} == {1}


def test_two_spaces_have_no_distance() -> None:
    other = Architecture("other", ("input", "output"), ((0, 1),))
    with pytest.raises(ValueError, match="expected two architectures of one space, got 'any' and 'other'"):
        edit_distance(chain(), other)
