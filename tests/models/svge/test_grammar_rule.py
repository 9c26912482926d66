"""Constrained decoding of every rule set: random scores give valid graphs only, and scores that want a graph get that graph."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from models.architectures.architecture import Architecture, from_graph
from models.spaces.custom import CustomSpace
from models.spaces.definition import Definition
from models.spaces.enas_micro import EnasMicro
from models.spaces.grammar import Grammar
from models.spaces.registry import get_space, space_names
from models.spaces.space import SearchSpace
from models.svge.sampling import GrammarRule
from tests.models.spaces.rule_sets import MORE_PORTS, RULE_SETS, TEN_NODES, short

CUSTOM = [*RULE_SETS, MORE_PORTS, TEN_NODES]
SPACES = [*map(get_space, space_names()), *map(CustomSpace, CUSTOM)]
NAMES = [*space_names(), *map(short, CUSTOM)]


def decoded(grammar: Grammar, type_scores: Tensor, edge_scores: Tensor) -> list[tuple[list[str], list[tuple[int, int]]]]:
    """What the grammar makes of scores: `b x n x num_types` for the node at each place, `b x n x n` for the edges between them."""
    rule = GrammarRule(grammar)
    batch, size = len(type_scores), grammar.max_nodes
    types = torch.zeros(batch, size, dtype=torch.long)
    adjacency = torch.zeros(batch, size, size, dtype=torch.bool)
    for step in range(1, size):
        before = types[:, :step], adjacency[:, :step, :step]
        types[:, step] = rule.choose_types(type_scores[:, step], *before)
        adjacency[:, :step, step] = rule.choose_edges(edge_scores[:, :step, step], types[:, step], *before)
    found = []
    for row, matrix in zip(types.tolist(), adjacency.tolist(), strict=True):
        end = row.index(1) + 1
        edges = [(u, v) for v in range(end) for u in range(v) if matrix[u][v]]
        found.append(([grammar.vocabulary[one] for one in row[:end]], edges))
    return found


def random_scores(grammar: Grammar, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Scores of graphs with many and with few nodes and edges."""
    generator = torch.Generator().manual_seed(seed)
    size = grammar.max_nodes
    types = torch.randn(count, size, len(grammar.vocabulary), generator=generator)
    types[:, :, 1] += 2.0 * torch.randn(count, 1, generator=generator)
    edges = torch.randn(count, size, size, generator=generator) + 1.5 * torch.randn(count, 1, 1, generator=generator)
    return types, edges


def wanted_scores(grammar: Grammar, architectures: Sequence[Architecture]) -> tuple[Tensor, Tensor]:
    """Scores that are positive for exactly what the architectures have; where one has ended, they want nothing."""
    place = {label: index for index, label in enumerate(grammar.vocabulary)}
    types = torch.full((len(architectures), grammar.max_nodes, len(place)), -1.0)
    edges = torch.full((len(architectures), grammar.max_nodes, grammar.max_nodes), -1.0)
    for index, architecture in enumerate(architectures):
        for node, label in enumerate(architecture.nodes):
            types[index, node, place[label]] = 1.0
        for source, target in architecture.edges:
            edges[index, source, target] = 1.0
    return types, edges


@pytest.mark.parametrize("space", SPACES, ids=NAMES)
def test_2000_decodings_of_random_scores_are_valid(space: SearchSpace) -> None:
    grammar = space.grammar()
    graphs = decoded(grammar, *random_scores(grammar, 2000, 0))
    distinct = {(tuple(labels), tuple(edges)) for labels, edges in graphs}
    for labels, edges in distinct:
        space.validate(from_graph(space.name, labels, edges))
    assert {len(labels) for labels, _ in distinct} == set(range(grammar.min_nodes, grammar.max_nodes + 1))


@pytest.mark.parametrize(
    ("space", "max_nodes"),
    [(get_space("nasbench101"), 9), (get_space("enas_macro"), 10), (get_space("enas_micro"), 25)]
    + [(CustomSpace(rules), rules.max_nodes + 3) for rules in CUSTOM[::4]],
)
def test_decodings_of_enlarged_spaces_are_valid(space: SearchSpace, max_nodes: int) -> None:
    grammar = space.grammar(max_nodes)
    for labels, edges in decoded(grammar, *random_scores(grammar, 300, 1)):
        space.validate(from_graph(space.name, labels, edges), max_nodes)


@pytest.mark.parametrize("rules", RULE_SETS, ids=short)
def test_every_architecture_of_a_small_space_is_decoded_where_it_is_wanted(rules: Definition) -> None:
    space = CustomSpace(rules)
    reached(space, list(space.enumerate()))


@pytest.mark.parametrize("space", [*map(get_space, space_names()), *map(CustomSpace, (MORE_PORTS, TEN_NODES))])
def test_samples_of_large_spaces_are_decoded_where_they_are_wanted(space: SearchSpace) -> None:
    rng = np.random.default_rng(0)
    reached(space, [space.sample(rng) for _ in range(200)])


def test_every_cell_of_one_sum_is_decoded_where_it_is_wanted() -> None:
    space = EnasMicro(num_sums=1)
    reached(space, list(space.enumerate()))


def reached(space: SearchSpace, architectures: Sequence[Architecture]) -> None:
    grammar = space.grammar()
    graphs = decoded(grammar, *wanted_scores(grammar, architectures))
    for architecture, (labels, edges) in zip(architectures, graphs, strict=True):
        assert (tuple(labels), tuple(sorted(edges))) == (architecture.nodes, architecture.edges)


@pytest.mark.parametrize("space", SPACES[:4], ids=NAMES[:4])
def test_a_graph_does_not_depend_on_what_else_is_in_the_batch(space: SearchSpace) -> None:
    grammar = space.grammar()
    types, edges = random_scores(grammar, 20, 2)
    together = decoded(grammar, types, edges)
    alone = list(itertools.chain.from_iterable(decoded(grammar, types[i : i + 1], edges[i : i + 1]) for i in range(20)))
    assert together == alone
