"""The canonical form against a brute-force oracle, against networkx, and over random relabellings."""

import hashlib
import itertools
from collections import defaultdict

import networkx
from hypothesis import given, settings
from hypothesis import strategies as st
from networkx.algorithms.isomorphism import DiGraphMatcher, categorical_node_match

from models.architectures.architecture import INPUT, OUTPUT, Architecture, from_graph
from models.architectures.canonical import canonical_id, canonicalise
from models.architectures.formats import to_networkx
from tests.strategies import architectures, labelled_dags, relabellings


def smallest_relabelling(architecture: Architecture) -> tuple[object, ...]:
    """The least of all relabellings of the nodes between input and output: the same for exactly the isomorphic graphs."""
    last = architecture.num_nodes - 1
    found = []
    for order in itertools.permutations(range(1, last)):
        place = {node: position for position, node in enumerate((0, *order, last))}
        labels = tuple(architecture.nodes[node] for node in order)
        found.append((labels, tuple(sorted((place[source], place[target]) for source, target in architecture.edges))))
    return min(found)


def all_dags(num_nodes: int, labels: str) -> list[Architecture]:
    pairs = list(itertools.combinations(range(num_nodes), 2))
    return [
        Architecture("any", (INPUT, *middle, OUTPUT), tuple(itertools.compress(pairs, bits)))
        for middle in itertools.product(labels, repeat=num_nodes - 2)
        for bits in itertools.product((0, 1), repeat=len(pairs))
    ]


def test_equal_ids_are_exactly_isomorphism_on_all_small_dags() -> None:
    graphs = [graph for n, labels in ((2, "a"), (3, "ab"), (4, "ab"), (5, "a")) for graph in all_dags(n, labels)]
    ids_of_class: dict[object, set[str]] = defaultdict(set)
    for graph in graphs:
        ids_of_class[graph.num_nodes, smallest_relabelling(graph)].add(canonical_id(graph))
    assert all(len(ids) == 1 for ids in ids_of_class.values())
    assert len(set.union(*ids_of_class.values())) == len(ids_of_class)


@settings(max_examples=200)
@given(st.data())
def test_equal_ids_are_exactly_isomorphism_for_networkx(data: st.DataObject) -> None:
    first = data.draw(labelled_dags(max_nodes=6))
    nodes, edges = data.draw(relabellings(first))
    if data.draw(st.booleans()) and first.num_nodes > 2:
        change = data.draw(st.integers(1, first.num_nodes - 2))
        nodes[change] = data.draw(st.sampled_from("ab"))
    if data.draw(st.booleans()) and edges:
        edges = edges[1:]
    second = from_graph("anything", nodes, edges)
    matcher = DiGraphMatcher(to_networkx(first), to_networkx(second), node_match=categorical_node_match("label", None))
    assert (canonical_id(first) == canonical_id(second)) == matcher.is_isomorphic()
    assert (canonicalise(first) == canonicalise(second)) == matcher.is_isomorphic()


@given(st.data())
def test_relabelling_changes_neither_form_nor_id(data: st.DataObject) -> None:
    architecture = data.draw(architectures())
    nodes, edges = data.draw(relabellings(architecture))
    relabelled = from_graph(architecture.space, nodes, edges)
    assert canonicalise(relabelled) == canonicalise(architecture)
    assert canonical_id(relabelled) == canonical_id(architecture)


@given(labelled_dags(max_nodes=9))
def test_the_canonical_form_is_an_isomorphic_topological_order_and_its_own_form(architecture: Architecture) -> None:
    canonical = canonicalise(architecture)
    assert canonicalise(canonical) == canonical
    assert sorted(canonical.nodes) == sorted(architecture.nodes)
    assert all(source < target for source, target in canonical.edges)
    assert networkx.is_isomorphic(to_networkx(canonical), to_networkx(architecture), categorical_node_match("label", None))


def test_twins_with_different_labels_are_told_apart_only_by_what_differs() -> None:
    def cell(first: str, second: str) -> Architecture:
        return Architecture("any", ("input", first, second, "output"), ((0, 1), (0, 2), (1, 3), (2, 3)))

    assert canonicalise(cell("a", "b")) == canonicalise(cell("b", "a"))
    assert canonicalise(cell("a", "a")) != canonicalise(cell("a", "b"))


def test_twins_whose_followers_differ_are_ordered_by_their_followers() -> None:
    edges = ((0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 5))
    straight = Architecture("any", ("input", "a", "a", "b", "c", "output"), edges)
    crossed = Architecture("any", ("input", "a", "a", "c", "b", "output"), edges)
    assert canonicalise(straight) == canonicalise(crossed)
    order = [0, 2, 1, 3, 4, 5]
    assert canonicalise(straight.with_order(order)) == canonicalise(straight)


@given(st.data())
def test_relabelled_strands_have_one_form(data: st.DataObject) -> None:
    """Graphs with many automorphisms before their labels are seen: equal strands side by side."""
    strands, length = data.draw(st.sampled_from([(2, 2), (3, 2), (2, 3)]))
    labels = data.draw(st.lists(st.sampled_from("ab"), min_size=strands * length, max_size=strands * length))
    last = strands * length + 1
    columns = [[0, *range(1 + strand * length, 1 + (strand + 1) * length), last] for strand in range(strands)]
    edges = tuple(pair for column in columns for pair in itertools.pairwise(column))
    architecture = Architecture("any", ("input", *labels, "output"), edges)
    assert canonicalise(from_graph("any", *data.draw(relabellings(architecture)))) == canonicalise(architecture)


def test_the_id_depends_on_the_space_and_names_it_by_sha256() -> None:
    first = Architecture("one", ("input", "output"), ((0, 1),))
    second = Architecture("two", ("input", "output"), ((0, 1),))
    assert canonical_id(first) != canonical_id(second)
    assert canonical_id(first) == hashlib.sha256(b"one|input,output|0-1").hexdigest()
