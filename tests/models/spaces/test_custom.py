"""Users' spaces: every combination of rules against brute force over all graphs, and what each rule refuses."""

import itertools
import math
import time
from dataclasses import replace

import numpy as np
import pytest

from models.architectures.architecture import Architecture, InvalidArchitecture
from models.architectures.canonical import canonical_id, canonicalise
from models.spaces.custom import CustomSpace
from models.spaces.definition import Definition
from models.spaces.space import SpaceTooLarge, nodes_on_paths
from tests.models.spaces.rule_sets import MORE_PORTS, RULE_SETS, TEN_NODES, short


def obeys(rules: Definition, architecture: Architecture) -> bool:
    """The definition's sentences once more, one by one."""
    last, edges = architecture.num_nodes - 1, set(architecture.edges)
    degrees = [sum(target == node for _, target in edges) for node in range(last + 1)]
    return all(
        (
            rules.max_edges is None or len(edges) <= rules.max_edges,
            len(nodes_on_paths(architecture)) == last + 1,
            not rules.chain or edges >= set(itertools.pairwise(range(last + 1))),
            rules.ports is None or all(degrees[node] == min(rules.ports, node) for node in range(1, last)),
            rules.output == "dangling" or degrees[last] == 1,
        )
    )


def all_architectures(rules: Definition) -> set[Architecture]:
    """By brute force: every set of forward edges with every choice of labels."""
    found = set()
    for num_nodes in range(rules.min_nodes, rules.max_nodes + 1):
        pairs = list(itertools.combinations(range(num_nodes), 2))
        plain = ("input", *["a"] * (num_nodes - 2), "output")
        for bits in itertools.product((False, True), repeat=len(pairs)):
            edges = tuple(itertools.compress(pairs, bits))
            if obeys(rules, Architecture(rules.name, plain, edges)):
                for labels in itertools.product(rules.operations, repeat=num_nodes - 2):
                    found.add(canonicalise(Architecture(rules.name, ("input", *labels, "output"), edges)))
    return found


@pytest.mark.parametrize("rules", RULE_SETS, ids=short)
def test_listing_finds_what_brute_force_finds_and_sampling_nothing_else(rules: Definition) -> None:
    space, expected = CustomSpace(rules), all_architectures(rules)
    listed = list(space.enumerate())
    assert len(set(listed)) == len(listed) == space.size
    assert set(listed) == expected
    assert len({canonical_id(architecture) for architecture in listed}) == len(listed)
    for architecture in listed:
        space.validate(architecture)
    rng = np.random.default_rng(0)
    drawn = {space.sample(rng) for _ in range(30 * int(math.sqrt(len(listed))) + 200)}
    assert drawn <= expected
    assert len(drawn) > 0.4 * len(expected)


@pytest.mark.parametrize("rules", [rules for rules in RULE_SETS if rules.max_nodes == 4], ids=short)
def test_sampling_reaches_every_architecture(rules: Definition) -> None:
    space, rng = CustomSpace(rules), np.random.default_rng(1)
    missing = set(space.enumerate())
    for _ in range(20_000):
        missing.discard(space.sample(rng))
        if not missing:
            return
    pytest.fail(f"never drawn: {missing}")


@pytest.mark.parametrize("rules", RULE_SETS[::3], ids=short)
def test_neighbours_differ_by_one_edit(rules: Definition) -> None:
    space, rng = CustomSpace(rules), np.random.default_rng(2)
    for _ in range(5):
        member = space.sample(rng)
        neighbours = space.neighbours(member)
        for neighbour in neighbours:
            space.validate(neighbour)
            assert abs(neighbour.num_nodes - member.num_nodes) <= 1
            if neighbour.num_nodes >= member.num_nodes:
                assert member in space.neighbours(neighbour)
        relabelled = {canonicalise(other) for other in relabellings_by_hand(space, member)}
        assert relabelled - {member} <= set(neighbours)


def relabellings_by_hand(space: CustomSpace, member: Architecture) -> list[Architecture]:
    return [
        Architecture(member.space, (*member.nodes[:place], label, *member.nodes[place + 1 :]), member.edges)
        for place in range(1, member.num_nodes - 1)
        for label in space.operations
    ]


@pytest.mark.parametrize("rules", [TEN_NODES, MORE_PORTS, *RULE_SETS[::7]], ids=short)
def test_larger_architectures_are_reached_node_by_node(rules: Definition) -> None:
    space, limit = CustomSpace(replace(rules, max_edges=None)), rules.max_nodes + 2
    member, rng = space.sample(np.random.default_rng(3)), np.random.default_rng(4)
    while member.num_nodes < limit:
        larger = [other for other in space.neighbours(member, limit) if other.num_nodes > member.num_nodes]
        member = larger[rng.integers(len(larger))]
        space.validate(member, limit)
    with pytest.raises(InvalidArchitecture, match="choose max_nodes accordingly"):
        space.validate(member)


def test_an_edge_limit_bounds_the_size_that_can_be_decoded() -> None:
    space = CustomSpace(Definition("tight", ("a",), max_nodes=5, max_edges=5))
    assert space.grammar(5).max_nodes == 5
    assert space.grammar(20).max_nodes == 6


def test_a_large_space_is_sampled_and_not_listed() -> None:
    space = CustomSpace(TEN_NODES)
    assert space.size is None
    with pytest.raises(SpaceTooLarge, match="sample it instead"):
        space.enumerate()
    chained = CustomSpace(Definition("chained", tuple("abcdef"), max_nodes=8, min_nodes=8, chain=True, output="last"))
    assert chained.size == 2**15 * 6**6


@pytest.mark.parametrize(
    ("max_edges", "number_of_skip_sets"),
    [(None, 2**8001), (128, 8002), (129, 8002 + math.comb(8001, 2)), (127 + 4000, 2**8000), (8127, 2**8001 - 1), (8128, 2**8001)],
    ids=["none", "1 skip", "2 skips", "half", "all but 1", "all"],
)
def test_the_largest_chain_is_counted_at_once(max_edges: int | None, number_of_skip_sets: int) -> None:
    rules = Definition("long", ("a", "b"), max_nodes=128, min_nodes=128, max_edges=max_edges, chain=True)
    started = time.process_time()
    assert CustomSpace(rules).size == number_of_skip_sets * 2**126
    assert (CustomSpace(replace(rules, min_nodes=3)).size or 0) > number_of_skip_sets * 2**126
    assert time.process_time() - started < 3


def test_the_native_form_is_the_services_own() -> None:
    space = CustomSpace(TEN_NODES)
    member = space.sample(np.random.default_rng(0))
    value = space.format_native(member)
    assert set(value) == {"space", "nodes", "edges"}
    assert space.parse_native(value) == member
    assert space.parse_native({"nodes": value["nodes"], "edges": value["edges"]}) == member
    with pytest.raises(InvalidArchitecture, match="expected an object"):
        space.parse_native("[]")


CHAIN_OF_TWO = ((0, 1), (1, 2), (2, 3))


@pytest.mark.parametrize(
    ("changes", "edges", "message"),
    [
        ({"min_nodes": 5}, CHAIN_OF_TWO, "expected 5 to 6 nodes with input and output, got 4"),
        ({"max_edges": 5}, (*CHAIN_OF_TWO, (0, 2), (0, 3), (1, 3)), "expected at most 5 edges, got 6; remove some"),
        ({"chain": True}, ((0, 1), (0, 2), (1, 3), (2, 3)), r"the chain edge \(1, 2\) is missing"),
        ({"ports": 2}, CHAIN_OF_TWO, r"node 2 \('b'\) has 2 ports, got 1 edges into it"),
        ({"output": "last"}, (*CHAIN_OF_TWO, (1, 3)), "expected one edge into the output, got 2"),
        ({}, ((0, 1), (0, 2), (1, 3)), r"node 2 \('b'\) lies on no path"),
    ],
)
def test_each_broken_rule_is_named(changes: dict, edges: tuple, message: str) -> None:
    space = CustomSpace(Definition(**{"name": "mine", "operations": ("a", "b"), "max_nodes": 6, **changes}))
    with pytest.raises(InvalidArchitecture, match=message) as caught:
        space.validate(Architecture("mine", ("input", "a", "b", "output"), edges))
    assert len(caught.value.faults) == 1
