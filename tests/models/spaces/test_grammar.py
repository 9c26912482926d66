"""The grammar and `validate` describe the same space: what is built by the rules is valid, and what is valid obeys the rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.architectures.architecture import Architecture, Edge
from models.architectures.canonical import canonicalise
from models.spaces.enas_macro import EnasMacro
from models.spaces.grammar import Grammar, LabelRule, OutputRule
from models.spaces.nasbench101_cells import decode_cell, load_codes
from models.spaces.registry import get_space
from models.spaces.space import SearchSpace
from tests.strategies import all_spaces, members

PASSES_BY = [(0, 1), (0, 2), (0, 18), *((1 + node % 2, 3 + node) for node in range(15))]
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
    limit = grammar.max_edges if grammar.max_edges is not None else last**2
    inner = range(1, last)
    return all(
        (
            grammar.min_nodes <= architecture.num_nodes <= grammar.max_nodes,
            set(architecture.nodes[1:-1]) <= set(grammar.vocabulary[2:]),
            all(architecture.predecessors(node) for node in range(1, last + 1)),
            {edge for edge in grammar.required_edges if edge[1] <= last} <= edges,
            grammar.free_edges or edges <= grammar.required_edges,
            grammar.ports is None or all(len(architecture.predecessors(node)) == min(grammar.ports, node) for node in inner),
            all(keeps(rule, architecture) for rule in grammar.label_rules),
            output_is_fed(grammar, architecture),
            all(needed(node + 1, {edge for edge in edges if edge[1] <= node}) <= limit for node in range(last)),
            len(edges) <= limit,
        )
    )


def keeps(rule: LabelRule, architecture: Architecture) -> bool:
    members = [node for node, label in enumerate(architecture.nodes) if label in rule.labels]
    sources = [[architecture.nodes[source] for source in architecture.predecessors(node)] for node in members]
    fits = all(len(labels) == rule.in_degree and set(labels) <= set(rule.predecessors) for labels in sources)
    single = all(len(architecture.successors(node)) == 1 for node in members)
    return len(members) == rule.count and fits and (single or not rule.single_use)


def output_is_fed(grammar: Grammar, architecture: Architecture) -> bool:
    last = architecture.num_nodes - 1
    before = set(architecture.edges) - {edge for edge in architecture.edges if edge[1] == last}
    feeding, loose = set(architecture.predecessors(last)), dangling(last, before)
    return {
        OutputRule.FIXED: feeding == {source for source, _ in required_into(grammar, last)},
        OutputRule.DANGLING: feeding >= loose,
        OutputRule.LOOSE_ENDS: feeding == loose,
        OutputRule.LAST: feeding == loose and len(feeding) == 1,
    }[grammar.output_rule]


def built_spaces() -> st.SearchStrategy[SearchSpace]:
    """The spaces whose graphs `built_graphs` can build: without rules that look ahead."""
    return st.sampled_from(sorted(SIZES)).map(get_space)


@given(st.data())
def test_what_is_built_by_the_rules_is_valid_in_every_size(data: st.DataObject) -> None:
    space = data.draw(built_spaces())
    size = data.draw(st.sampled_from(SIZES[space.name]))
    space.validate(data.draw(built_graphs(space.grammar(size), space.name)), size)


@given(st.data())
def test_what_is_valid_obeys_the_rules_in_canonical_order(data: st.DataObject) -> None:
    space = data.draw(all_spaces())
    member = data.draw(members(space))
    assert obeys(space.grammar(), member)


def test_all_kinds_of_cells_of_nasbench101_obey_the_rules() -> None:
    grammar = get_space("nasbench101").grammar()
    assert all(obeys(grammar, decode_cell(code)) for code in [*load_codes()[:2600].tolist(), *load_codes()[::151].tolist()])


@given(st.data())
def test_canonical_forms_of_built_graphs_obey_the_rules(data: st.DataObject) -> None:
    space = data.draw(built_spaces())
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
        ("enas_micro", ("input", "input0", "input1", *["conv3x3", "conv3x3", "add"] * 5, "output"), PASSES_BY),
        ("nasbench201", ("input", *["none"] * 6, "output"), [(node, node + 1) for node in range(7)]),
    ],
)
def test_what_is_invalid_breaks_a_rule(space: str, nodes: tuple[str, ...], edges: list[Edge]) -> None:
    architecture = Architecture(space, nodes, tuple(edges))
    with pytest.raises(ValueError, match="node|edge"):
        get_space(space).validate(architecture)
    assert not obeys(get_space(space).grammar(), architecture)
