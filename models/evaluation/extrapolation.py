"""Larger architectures than were trained on, ranked by predicted performance (Section 4.2, Table 2).

The paper samples 3,000 random graphs of 8 and 9 nodes grown from the best cell, and keeps the five that are predicted to be best.
Here half of the candidates come so, and half are decoded from the latent space, where the model itself extrapolates.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from models.architectures.architecture import Architecture, from_graph
from models.architectures.canonical import canonicalise
from models.autoencoders.autoencoder import BATCH_SIZE, GraphAutoencoder
from models.evaluation.labels import Labelled
from models.evaluation.progress import Report, silent
from models.evaluation.scoring import Score
from models.spaces.grammar import Grammar, edges_by_ports
from models.spaces.space import SearchSpace
from models.svge.packing import unpack_one
from models.svge.sampling import GrammarRule

NUM_CANDIDATES = 3000
NUM_BEST = 5
NUM_PARENTS = 50
"""Candidates are grown from so many of the best measured architectures."""

ENAS_NODES = 14
"""Twelve layers between input and output."""

_NUM_SIZES = 2
_SIZES_AHEAD = 6
"""So many larger sizes are tried; a space may grow by several nodes at once."""
_EDITS = 2
_MAX_MOVES = 500
_PER_WALK = 30


class FixedSize(ValueError):
    """A space has no architectures of the size that is wanted, or none that are larger than those it is trained on."""


@dataclass(frozen=True)
class Extrapolated:
    """One proposed architecture with its predicted value and where it came from: `decoded` or `grown`."""

    architecture: Architecture
    predicted: float
    origin: str


@dataclass(frozen=True, eq=False)
class Extrapolation:
    """The candidates of one size: how many distinct ones there were of each origin, the scores of all, and the best, best first."""

    num_nodes: int
    num_decoded: int
    num_grown: int
    scores: np.ndarray
    best: tuple[Extrapolated, ...]


def larger_sizes(space: SearchSpace) -> list[int]:
    """The numbers of nodes to extrapolate to: the next two above those trained on that the space has, or the one there is; the
    paper's 12 layers for the ENAS macro space. Raises `FixedSize` where it has none.
    """
    if space.name == "enas_macro" and space.max_nodes < ENAS_NODES:
        return [ENAS_NODES]
    sizes = _next_sizes(space)
    if not sizes:
        raise FixedSize(f"{_limit(space, space.max_nodes + 1)}; extrapolate in another space")
    return sizes


def choose_sizes(space: SearchSpace, asked: Sequence[int] | None) -> list[int]:
    """The numbers of nodes asked for, each of them checked, or else `larger_sizes`.

    Raises `FixedSize` for one that is not above those trained on, and for one that the space does not have.
    """
    for size in asked or ():
        if size <= space.max_nodes:
            raise FixedSize(
                f"expected more nodes than the {space.max_nodes} that '{space.name}' is trained with, got {size}; ask for more"
            )
        _check_size(space, size)
    return list(asked or larger_sizes(space))


def extrapolate(
    autoencoder: GraphAutoencoder,
    data: Labelled,
    score: Score,
    num_nodes: int,
    seed: int,
    num_candidates: int = NUM_CANDIDATES,
    report: Report = silent,
) -> Extrapolation:
    """The `NUM_BEST` architectures of exactly `num_nodes` nodes with the largest score, none isomorphic to one of `data`.

    `num_candidates` are decoded and as many are grown. Raises `FixedSize` for a space that has no such architectures.
    """
    space = autoencoder.space
    _check_size(space, num_nodes)
    stage = f"candidates with {num_nodes} nodes"
    generator = torch.Generator().manual_seed(seed)
    report(stage, 0, 3)
    latents = torch.randn(num_candidates, autoencoder.latent_size, generator=generator)
    decoded = dict.fromkeys(decode_exactly(autoencoder, latents, num_nodes, generator))
    report(stage, 1, 3)
    order = np.argsort(-data.values, kind="stable")[:NUM_PARENTS]
    parents = [data.architectures[place] for place in order.tolist()]
    grown = dict.fromkeys(grow(space, parents, num_nodes, num_candidates, np.random.default_rng(seed)))
    report(stage, 2, 3)
    known = set(data.architectures)
    both = (("grown", grown), ("decoded", decoded))
    origins = {graph: origin for origin, graphs in both for graph in graphs if graph not in known}
    candidates = list(origins)
    scores = score(candidates)
    best = np.argsort(-scores, kind="stable")[:NUM_BEST].tolist()
    proposed = tuple(Extrapolated(candidates[place], float(scores[place]), origins[candidates[place]]) for place in best)
    report(stage, 3, 3)
    return Extrapolation(num_nodes, len(decoded), len(grown), scores, proposed)


@torch.inference_mode()
def decode_exactly(
    autoencoder: GraphAutoencoder, latents: Tensor, num_nodes: int, generator: torch.Generator
) -> list[Architecture]:
    """One valid architecture of exactly `num_nodes` nodes, sampled, for each row of `latents` (`n x latent_size`)."""
    space, device = autoencoder.space, autoencoder.device
    rule = GrammarRule(replace(space.grammar(num_nodes), min_nodes=num_nodes))
    noise = torch.Generator(device).manual_seed(int(torch.randint(2**62, (1,), generator=generator)))
    found = []
    for batch in torch.split(latents, BATCH_SIZE):
        with autoencoder.autocast():
            graphs = autoencoder.model.sample(batch.to(device), rule, noise)
        for types, adjacency in zip(graphs.types.tolist(), graphs.adjacency.tolist(), strict=True):
            labels, edges = unpack_one(types, adjacency, space.vocabulary)
            found.append(canonicalise(from_graph(space.name, labels, edges)))
    return found


def grow(
    space: SearchSpace, parents: Sequence[Architecture], num_nodes: int, count: int, rng: np.random.Generator
) -> list[Architecture]:
    """`count` valid architectures of `num_nodes` nodes, not all distinct, made from random parents by random edits.

    Each walk adds a node, makes a few edits, and so on; its last neighbourhood gives several architectures.
    """
    found: list[Architecture] = []
    while len(found) < count:
        current = _walk(space, parents[int(rng.integers(len(parents)))], num_nodes, rng)
        near = _of_size(space, current, num_nodes)
        chosen = rng.permutation(len(near))[: _PER_WALK - 1]
        found += [current, *(near[place] for place in chosen)]
    return found[:count]


def _walk(space: SearchSpace, start: Architecture, num_nodes: int, rng: np.random.Generator) -> Architecture:
    """The end of a random walk that adds nodes, with edits between, until there are `num_nodes`.

    Where no edge is left for another node it takes one away, or else goes anywhere.
    """
    current = start
    for _ in range(_MAX_MOVES):
        if current.num_nodes == num_nodes:
            return current
        near = space.neighbours(current, num_nodes)
        larger = [graph for graph in near if graph.num_nodes > current.num_nodes]
        sparser = [graph for graph in near if graph.num_nodes == current.num_nodes and len(graph.edges) < len(current.edges)]
        current = _pick(larger or sparser or near or [current], rng)
        if larger:
            for _ in range(_EDITS):
                current = _pick([current, *_of_size(space, current, num_nodes)], rng)
    raise FixedSize(
        f"an architecture of '{space.name}' did not grow to {num_nodes} nodes in {_MAX_MOVES} edits; ask for fewer nodes"
    )


def _of_size(space: SearchSpace, graph: Architecture, limit: int) -> list[Architecture]:
    return [neighbour for neighbour in space.neighbours(graph, limit) if neighbour.num_nodes == graph.num_nodes]


def _pick(graphs: Sequence[Architecture], rng: np.random.Generator) -> Architecture:
    return graphs[int(rng.integers(len(graphs)))]


def _check_size(space: SearchSpace, size: int) -> None:
    if not _has_size(space, size):
        raise FixedSize(f"{_limit(space, size)}, {size} were asked for; ask for another number")


def _has_size(space: SearchSpace, size: int) -> bool:
    grammar = space.grammar(size)
    return grammar.max_nodes == size and (grammar.max_edges is None or _least_edges(grammar, size) <= grammar.max_edges)


def _next_sizes(space: SearchSpace) -> list[int]:
    ahead = range(space.max_nodes + 1, space.max_nodes + _SIZES_AHEAD + 1)
    return [size for size in ahead if _has_size(space, size)][:_NUM_SIZES]


def _limit(space: SearchSpace, size: int) -> str:
    """What keeps a space from having architectures of `size` nodes."""
    grammar = space.grammar(size)
    if grammar.max_edges is not None and _least_edges(grammar, size) > grammar.max_edges:
        most = max(fewer for fewer in range(2, size) if _least_edges(grammar, fewer) <= grammar.max_edges)
        return f"architectures of '{space.name}' have at most {grammar.max_edges} edges, which join at most {most} nodes"
    sizes = _next_sizes(space)
    if not sizes:
        return f"architectures of '{space.name}' have at most {space.max_nodes} nodes"
    return f"architectures of '{space.name}' have {', '.join(map(str, [space.max_nodes, *sizes]))} nodes and so on"


def _least_edges(grammar: Grammar, size: int) -> int:
    return size - 1 if grammar.ports is None else edges_by_ports(grammar.ports, size - 1) + 1
