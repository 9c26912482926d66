"""What a step of the search chooses from: each source contributes what it is good at, and nothing twice.

A space that was encoded completely is its own candidate set. Otherwise: the pool, and architectures one or two edits from the best.
The paper's strategy `latent`, and beyond the trained sizes all of them, also have the ends of gradient ascents of the expected
improvement from the best, decoded. Those are encoded again: what is ranked is the architecture that would be trained.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from botorch.generation.gen import gen_candidates_torch
from torch import Tensor

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonicalise, id_of_canonical
from models.search.acquisition import log_expected_improvement
from models.search.adam import Adam
from models.search.proposal import Strategy
from models.search.state import SearchState
from models.search.surrogate import Surrogate

# The counts together cost about five hundred encodings a step, and ten decodings where there are ascents.
NUM_BEST = 10
"""Observed architectures, by posterior mean, from which edits, growth and ascents start."""
MAX_ONE_EDIT = 300
MAX_TWO_EDITS = 160
TWO_EDITS_EACH = 8
"""Of one neighbour: listing all of its own costs more than encoding a few."""
ASCENDING: tuple[Strategy, ...] = ("latent",)
"""Strategies with ascents at the trained sizes: where structure counts beside latents, edits find all that ascents find."""
ASCENT_STEPS = 15
ASCENT_RATE = 0.15
"""In standard deviations of the pool's latents, averaged over their dimensions."""
NUM_PARENTS = 40
"""Neighbours of the best that are grown too: an architecture at its edge limit cannot grow, but its neighbours may."""
NUM_GROWN = 32
"""Growth stops at so many of a generation, to which each parent adds at most `NUM_GROWN_EACH`: the neighbours of a large
architecture are many and slow to list."""
NUM_GROWN_EACH = 4

_NEIGHBOURS, _DECODE, _GROWTH = range(10, 13)


@dataclass(frozen=True)
class Candidates:
    """Distinct unseen architectures in canonical order, their ids, and their points (`c x d`)."""

    architectures: tuple[Architecture, ...]
    canonical_ids: tuple[str, ...]
    points: Tensor


class Guide(NamedTuple):
    """Where to look: the places of the observed architectures from the most promising one on, and the surrogates whose expected
    improvement is climbed, each with the standardised outcome to improve upon; the ascents are shared out among them.
    """

    order: Sequence[int]
    hills: Sequence[tuple[Surrogate, float]]


def gather_candidates(state: SearchState, guide: Guide, count: int, taken: Collection[str] = ()) -> Candidates:
    """The candidates of one step within the limits; `taken` are ids that are not wanted besides.

    With a `max_nodes` above that of the trained space they are the larger architectures alone, where there are at least `count`.
    """
    pool = state.pool
    generated: dict[str, Architecture] = {}
    if state.extrapolates or not pool.complete:
        generated = _new(state, _generate(state, guide), taken)
    if state.extrapolates:
        size = state.autoencoder.space.max_nodes
        larger = {name: architecture for name, architecture in generated.items() if architecture.num_nodes > size}
        if len(larger) >= count:
            return Candidates(tuple(larger.values()), tuple(larger), state.encode(list(larger.values())))
    places = [place for place in state.unseen_pool() if pool.canonical_ids[place] not in taken]
    names = [pool.canonical_ids[place] for place in places]
    architectures = [pool.architectures[place] for place in places]
    inside = set(names)
    new = {name: architecture for name, architecture in generated.items() if name not in inside}
    points = torch.cat([state.pool_points[places], state.encode(list(new.values()))])
    return Candidates((*architectures, *new.values()), (*names, *new), points)


def _new(state: SearchState, architectures: Iterable[Architecture], taken: Collection[str]) -> dict[str, Architecture]:
    """The canonical forms by id of those architectures that may be proposed and are not taken."""
    found: dict[str, Architecture] = {}
    for architecture in architectures:
        canonical = canonicalise(architecture)
        name = id_of_canonical(canonical)
        if name not in found and name not in taken and state.may_propose(canonical, name):
            found[name] = canonical
    return found


def _generate(state: SearchState, guide: Guide) -> Iterator[Architecture]:
    """Architectures of every source but the pool."""
    observed = state.measurements.architectures
    # Architectures larger than this request allows may have been observed: their neighbours are too large as well.
    order = [index for index in guide.order if observed[index].num_nodes <= state.limit][:NUM_BEST]
    leaders = [observed[index] for index in order]
    around = edited(state, leaders)
    yield from around
    if state.extrapolates:
        yield from grown(state, [*leaders, *around[:NUM_PARENTS]])
    if state.extrapolates or state.request.strategy in ASCENDING:
        yield from ascended(state, guide, state.observed[order])


def ascended(state: SearchState, guide: Guide, starts: Tensor) -> list[Architecture]:
    """A sampled decoding of the end of an ascent from each of the starts (`s x d`)."""
    inputs = state.pool.inputs
    shares = [starts[number :: len(guide.hills)] for number in range(len(guide.hills))]
    # A start has the structure of its architecture while its latent climbs: what is wanted is where the latent leads.
    parts = [
        climb(surrogate, share, best, state.pool_points, inputs.latent_size)
        for (surrogate, best), share in zip(guide.hills, shares, strict=True)
        if len(share)
    ]
    if not parts:
        return []
    climbed = inputs.restore_latents(torch.cat(parts)).float()
    return state.autoencoder.decode(climbed, state.generator(_DECODE), state.request.max_nodes)


def edited(state: SearchState, leaders: Sequence[Architecture]) -> list[Architecture]:
    """Neighbours of the leaders, the first leader's first, and a random part of the neighbours' neighbours."""
    space, max_nodes = state.autoencoder.space, state.request.max_nodes
    distinct: dict[Architecture, None] = {}
    for leader in leaders:
        distinct.update(dict.fromkeys(space.neighbours(leader, max_nodes)))
        if len(distinct) >= MAX_ONE_EDIT:
            break
    once = list(distinct)[:MAX_ONE_EDIT]
    rng = state.rng(_NEIGHBOURS)
    # A few neighbours of each of many: all neighbours of one would share one of the two edits.
    twice: list[Architecture] = []
    for index in rng.permutation(len(once))[: MAX_TWO_EDITS // TWO_EDITS_EACH].tolist():
        around = space.neighbours(once[index], max_nodes)
        twice += [around[place] for place in rng.permutation(len(around))[:TWO_EDITS_EACH].tolist()]
    return once + twice


def grown(state: SearchState, leaders: Sequence[Architecture]) -> list[Architecture]:
    """Supersets of the leaders, node by node up to the request's `max_nodes`, a random few of each generation."""
    space, limit = state.autoencoder.space, state.limit
    rng = state.rng(_GROWTH)
    found: list[Architecture] = []
    generation = [leader for leader in leaders if leader.num_nodes < limit]
    while generation:
        larger: dict[Architecture, None] = {}
        for place in rng.permutation(len(generation)).tolist():
            parent = generation[place]
            around = [one for one in space.neighbours(parent, limit) if one.num_nodes > parent.num_nodes]
            larger.update(dict.fromkeys(around[index] for index in rng.permutation(len(around))[:NUM_GROWN_EACH].tolist()))
            if len(larger) >= NUM_GROWN:
                break
        found += larger
        generation = [one for one in larger if one.num_nodes < limit]
    return found


@torch.enable_grad()
def climb(surrogate: Surrogate, starts: Tensor, best: float, pool: Tensor, latent_size: int) -> Tensor:
    """The latent columns (`s x latent_size`) that Adam reaches from `starts` (`s x d`) climbing the log expected improvement within
    the bounding box of the `pool` (`c x d`). The other columns stay.
    """
    structure, box = starts[:, latent_size:], pool[:, :latent_size]
    rate = ASCENT_RATE * float(box.std(dim=0).mean())

    def improvement(latents: Tensor) -> Tensor:
        mean, variance = surrogate.moments(torch.cat([latents[:, 0], structure], dim=1))
        return log_expected_improvement(mean, variance, best)

    ends, _ = gen_candidates_torch(
        starts[:, None, :latent_size],
        improvement,
        lower_bounds=box.amin(0),
        upper_bounds=box.amax(0),
        optimizer=Adam,
        options={"optimizer_options": {"lr": rate}, "stopping_criterion_options": {"maxiter": ASCENT_STEPS}},
    )
    points: Tensor = ends.detach()[:, 0]
    return points
