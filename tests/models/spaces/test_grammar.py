"""The grammar and `validate` describe the same space: what is built by the rules is valid, and what is valid obeys the rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.architectures.architecture import Architecture, Edge
from models.architectures.canonical import canonicalise
from models.spaces.enas_macro import EnasMacro
from models.spaces.grammar import Grammar, OutputRule
from models.spaces.nasbench101_cells import decode_cell, load_codes
from models.spaces.registry import get_space
from tests.strategies import members, spaces

SIZES = {"enas_macro": (8, 9, 14), "nasbench101": (7, 8, 9), "nasbench201": (8,)}


def dangling(num_nodes: int, edges: set[Edge]) -> set[int]:
    """The nodes among the first `num_nodes` that feed nothing yet."""
    return set(range(num_nodes)) - {source for source, _ in edges}


def needed(num_nodes: int, edges: set[Edge]) -> int:
    """The edges there are and one more for every node that the output must still be fed by."""
    return len(edges) + len(dangling(num_nodes, edges))


def required_into(grammar: Grammar, node: int) -> set[Edge]:
    return {edge for edge in grammar.required_edges if edge[1] == node}


@st.composite
def built_graphs(draw: st.DrawFn, grammar: Grammar, space: str) -> Architecture:
    """A graph built node by node, with any choice that the grammar leaves open."""
    limit = grammar.max_edges if grammar.max_edges is not None else grammar.max_nodes**2
    labels, edges = ["input"], set[Edge]()
    while len(labels) < grammar.max_nodes - 1 and needed(len(labels), edges) < limit:
        if len(labels) + 1 >= grammar.min_nodes and draw(st.booleans()):
            break
        node = len(labels)
        edges |= required_into(grammar, node)
        if grammar.free_edges:
            for source in draw(st.permutations(range(node))):
                lonely = not any(target == node for _, target in edges)
                fits = needed(node + 1, edges | {(source, node)}) <= limit
                if fits and (draw(st.booleans()) or lonely):
                    edges.add((source, node))
        labels.append(draw(st.sampled_from(grammar.vocabulary[2:])))
    last = len(labels)
    if grammar.output_rule is OutputRule.FIXED:
        edges |= required_into(grammar, last)
    else:
        edges |= {(node, last) for node in dangling(last, edges)}
        for node in range(last):
            if len(edges) < limit and draw(st.booleans()):
                edges.add((node, last))
    return Architecture(space, (*labels, "output"), tuple(edges))


def obeys(grammar: Grammar, architecture: Architecture) -> bool:
    """Whether the grammar lets this very order of nodes and edges be built."""
    last, edges = architecture.num_nodes - 1, set(architecture.edges)
    sized = grammar.min_nodes <= architecture.num_nodes <= grammar.max_nodes
    labelled = set(architecture.nodes[1:-1]) <= set(grammar.vocabulary[2:])
    connected = all(architecture.predecessors(node) for node in range(1, last + 1))
    required = {edge for edge in grammar.required_edges if edge[1] <= last} <= edges
    chosen = grammar.free_edges or edges <= grammar.required_edges
    if grammar.output_rule is OutputRule.FIXED:
        output = {edge for edge in edges if edge[1] == last} == required_into(grammar, last)
    else:
        output = not dangling(last, edges)
    limit = grammar.max_edges
    within = (
        limit is None
        or all(needed(node + 1, {edge for edge in edges if edge[1] <= node}) <= limit for node in range(last))
        and len(edges) <= limit
    )
    return sized and labelled and connected and required and chosen and output and within


@given(st.data())
def test_what_is_built_by_the_rules_is_valid_in_every_size(data: st.DataObject) -> None:
    space = data.draw(spaces())
    size = data.draw(st.sampled_from(SIZES[space.name]))
    space.validate(data.draw(built_graphs(space.grammar(size), space.name)), size)


@given(st.data())
def test_what_is_valid_obeys_the_rules_in_canonical_order(data: st.DataObject) -> None:
    space = data.draw(spaces())
    member = data.draw(members(space))
    assert obeys(space.grammar(), member)


def test_all_kinds_of_cells_of_nasbench101_obey_the_rules() -> None:
    grammar = get_space("nasbench101").grammar()
    assert all(obeys(grammar, decode_cell(code)) for code in [*load_codes()[:2600].tolist(), *load_codes()[::151].tolist()])


@given(st.data())
def test_canonical_forms_of_built_graphs_obey_the_rules(data: st.DataObject) -> None:
    space = data.draw(spaces())
    grammar = space.grammar(max(SIZES[space.name]))
    assert obeys(grammar, canonicalise(data.draw(built_graphs(grammar, space.name))))


def test_the_rules_allow_every_member_of_a_tiny_space() -> None:
    space = EnasMacro(num_layers=3)
    assert all(obeys(space.grammar(), member) for member in space.enumerate())


@pytest.mark.parametrize(
    ("space", "nodes", "edges"),
    [
        ("enas_macro", ("input", *["conv3x3"] * 6, "output"), [(node, node + 1) for node in range(7) if node != 3] + [(2, 4)]),
        ("enas_macro", ("input", *["conv3x3"] * 6, "output"), [(node, node + 1) for node in range(7)] + [(0, 7)]),
        ("nasbench101", ("input", "conv1x1", "conv1x1", "output"), [(0, 1), (0, 2), (1, 3)]),
        ("nasbench101", ("input", "conv1x1", "conv1x1", "output"), [(0, 1), (1, 3), (2, 3)]),
        ("nasbench201", ("input", *["none"] * 6, "output"), [(node, node + 1) for node in range(7)]),
    ],
)
def test_what_is_invalid_breaks_a_rule(space: str, nodes: tuple[str, ...], edges: list[Edge]) -> None:
    architecture = Architecture(space, nodes, tuple(edges))
    with pytest.raises(ValueError, match="node|edge"):
        get_space(space).validate(architecture)
    assert not obeys(get_space(space).grammar(), architecture)
