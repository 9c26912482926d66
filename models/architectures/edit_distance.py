"""How many edits part two architectures, counted over their canonical orders. The canonical order itself is in `canonical.py`."""

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonicalise

_OUTPUT_PLACE = -1


def edit_distance(first: Architecture, second: Architecture) -> int:
    """Label changes + edge insertions + edge removals that turn one canonical form into the other.

    Nodes are matched by their place in the canonical order, the outputs with each other; a node that the smaller architecture
    lacks counts as one label change. The result is a metric on isomorphism classes: 0 exactly for isomorphic architectures,
    symmetric, and within the triangle inequality. It is an upper bound on the true graph edit distance, which may match nodes in
    any way and is NP-hard: one edit can reorder the canonical form and then counts as several.

    Raises `ValueError` for architectures of two spaces, whose labels mean different things.
    Lukasik et al., "Smooth variational graph embeddings for efficient neural architecture search" (2021), section 3.3.
    """
    if first.space != second.space:
        raise ValueError(f"expected two architectures of one space, got '{first.space}' and '{second.space}'")
    first_labels, first_edges = _parts(first)
    second_labels, second_edges = _parts(second)
    places = first_labels.keys() | second_labels.keys()
    changes = sum(first_labels.get(place) != second_labels.get(place) for place in places)
    return changes + len(first_edges ^ second_edges)


def _parts(architecture: Architecture) -> tuple[dict[int, str], set[tuple[int, int]]]:
    canonical = canonicalise(architecture)
    places = [*range(canonical.num_nodes - 1), _OUTPUT_PLACE]
    return dict(zip(places, canonical.nodes, strict=True)), {(places[source], places[target]) for source, target in canonical.edges}
