"""Single edits of a graph, from which spaces choose their neighbours.

Each function yields labels and edges as `from_graph` takes them. Results may be cyclic, repeat each other or break rules: whoever
asks for them checks.
"""

import itertools
from collections.abc import Iterator, Sequence

from models.architectures.architecture import Architecture, Edge

Graph = tuple[list[str], list[Edge]]


def relabelled(graph: Architecture, operations: Sequence[str]) -> Iterator[Graph]:
    """Another operation in one place."""
    for place, label in itertools.product(range(1, graph.num_nodes - 1), operations):
        if label != graph.nodes[place]:
            yield [*graph.nodes[:place], label, *graph.nodes[place + 1 :]], list(graph.edges)


def rewired(graph: Architecture) -> Iterator[Graph]:
    """One edge more or less; an added edge may go against the order."""
    edges = set(graph.edges)
    for pair in itertools.permutations(range(graph.num_nodes), 2):
        if pair in edges or pair[::-1] not in edges:
            yield list(graph.nodes), sorted(edges ^ {pair})


def moved(graph: Architecture) -> Iterator[Graph]:
    """One edge from another source."""
    edges = set(graph.edges)
    for (source, target), other in itertools.product(graph.edges, range(graph.num_nodes - 1)):
        if other not in (source, target) and (other, target) not in edges:
            yield list(graph.nodes), sorted(edges - {(source, target)} | {(other, target)})


def grown(graph: Architecture, operations: Sequence[str]) -> Iterator[Graph]:
    """One node more between two that are already in order, beside their edge or in its place."""
    last = graph.num_nodes - 1
    for (source, target), label in itertools.product(itertools.combinations(range(graph.num_nodes), 2), operations):
        nodes = [*graph.nodes[:last], label, graph.nodes[last]]
        moved = [(u, v + (v == last)) for u, v in graph.edges]
        joined = [*moved, (source, last), (last, target + (target == last))]
        yield nodes, joined
        if (source, target) in graph.edges:
            yield nodes, [edge for edge in joined if edge != (source, target + (target == last))]


def shrunk(graph: Architecture) -> Iterator[Graph]:
    """One node less: with its edges, or replaced by an edge where it has only one predecessor and one successor."""
    for gone in range(1, graph.num_nodes - 1):
        nodes = [*graph.nodes[:gone], *graph.nodes[gone + 1 :]]
        edges = {(u - (u > gone), v - (v > gone)) for u, v in graph.edges if gone not in (u, v)}
        yield nodes, sorted(edges)
        before, after = graph.predecessors(gone), graph.successors(gone)
        if len(before) == len(after) == 1:
            yield nodes, sorted(edges | {(before[0], after[0] - 1)})


def appended(graph: Architecture, operations: Sequence[str], ports: int) -> Iterator[Graph]:
    """One node more before the output, fed by the last `ports` nodes or by these with one of them exchanged.

    Those that fed nothing but the output now feed the new node in its place.
    """
    last = graph.num_nodes - 1
    recent = set(range(max(0, last - ports), last))
    exchanged = (recent - {old} | {new} for old, new in itertools.product(sorted(recent), range(last)) if new not in recent)
    for sources, label in itertools.product([recent, *exchanged], operations):
        edges = {(u, v) for u, v in graph.edges if v != last}
        edges |= {(u, last + 1) for u in graph.predecessors(last) if u not in sources or len(graph.successors(u)) > 1}
        edges |= {(u, last) for u in sources} | {(last, last + 1)}
        yield [*graph.nodes[:last], label, graph.nodes[last]], sorted(edges)


def beheaded(graph: Architecture) -> Iterator[Graph]:
    """One node less of those that feed the output alone; what then feeds nothing feeds the output."""
    last = graph.num_nodes - 1
    for gone in range(1, last):
        if graph.successors(gone) != (last,):
            continue
        kept = {(u, v) for u, v in graph.edges if gone not in (u, v)}
        kept |= {(u, last) for u in range(last) if u != gone and not any(source == u for source, _ in kept)}
        yield [*graph.nodes[:gone], *graph.nodes[gone + 1 :]], sorted((u - (u > gone), v - (v > gone)) for u, v in kept)
