"""Hypothesis strategies: labelled DAGs of any kind, architectures of every space, and relabellings of an architecture."""

import itertools

import numpy as np
from hypothesis import strategies as st

from models.architectures.architecture import INPUT, OUTPUT, Architecture, Edge
from models.spaces.custom import CustomSpace
from models.spaces.registry import get_space, space_names
from models.spaces.space import SearchSpace
from tests.models.spaces.rule_sets import MORE_PORTS, RULE_SETS, TEN_NODES

Graph = tuple[list[str], list[Edge]]
"""Labels and edges, the nodes between input and output in any order, as `from_graph` takes them."""


@st.composite
def labelled_dags(
    draw: st.DrawFn, max_nodes: int = 7, labels: tuple[str, ...] = ("a", "b"), space: str = "anything"
) -> Architecture:
    """Any DAG at all: nodes may be unreachable, isolated or dangling."""
    num_nodes = draw(st.integers(2, max_nodes))
    middle = draw(st.lists(st.sampled_from(labels), min_size=num_nodes - 2, max_size=num_nodes - 2))
    edges = draw(st.sets(st.sampled_from(list(itertools.combinations(range(num_nodes), 2)))))
    return Architecture(space, (INPUT, *middle, OUTPUT), tuple(edges))


def members(space: SearchSpace) -> st.SearchStrategy[Architecture]:
    """Architectures of one space, in canonical order, by the space's own sampling."""
    return st.integers(0, 2**32 - 1).map(lambda seed: space.sample(np.random.default_rng(seed)))


def spaces() -> st.SearchStrategy[SearchSpace]:
    """Every registered space at its default size."""
    return st.sampled_from(space_names()).map(get_space)


def all_spaces() -> st.SearchStrategy[SearchSpace]:
    """Every registered space, and users' spaces of all rules."""
    return st.one_of(spaces(), st.sampled_from([*RULE_SETS, MORE_PORTS, TEN_NODES]).map(CustomSpace))


def architectures() -> st.SearchStrategy[Architecture]:
    """Architectures of every registered space, in canonical order."""
    return spaces().flatmap(members)


@st.composite
def relabellings(draw: st.DrawFn, architecture: Architecture) -> Graph:
    """The same graph with its nodes between input and output in another order, its edges in any order."""
    last = architecture.num_nodes - 1
    order = [0, *draw(st.permutations(range(1, last))), last]
    place = {node: position for position, node in enumerate(order)}
    edges = draw(st.permutations([(place[source], place[target]) for source, target in architecture.edges]))
    return [architecture.nodes[node] for node in order], list(edges)
