"""Architectures drawn at random, uniformly from the space or decoded from the prior, without repeating what was seen."""

import itertools
from collections.abc import Collection, Iterator

import numpy as np
import torch

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonical_id, canonicalise
from models.search.state import SearchState

MAX_DRAWS_EACH = 100
"""Draws from a space too large to list before an architecture that was not seen is given up."""

MAX_WALKS = 20
"""From random architectures to such as are within the limits, where draws alone did not find enough."""

_DECODED_AT_ONCE = 64
_MAX_ROUNDS = 20

_PURPOSE, _DECODING = 2, 3


def decode_unseen(state: SearchState, count: int, taken: Collection[str] = ()) -> dict[str, Architecture]:
    """At most `count` architectures by canonical id, neither seen nor `taken`, decoded from points of the prior.

    Fewer come when `_MAX_ROUNDS` batches of points gave no more.
    """
    generator = state.generator(_DECODING)
    found: dict[str, Architecture] = {}
    for _ in range(_MAX_ROUNDS):
        if len(found) >= count:
            break
        latents = torch.randn(max(_DECODED_AT_ONCE, count), state.autoencoder.latent_size, generator=generator)
        for architecture in map(canonicalise, state.autoencoder.decode(latents, generator, state.request.max_nodes)):
            name = canonical_id(architecture)
            if len(found) < count and name not in taken and state.may_propose(architecture, name):
                found[name] = architecture
    return found


def draw_unseen(state: SearchState, count: int, taken: Collection[str] = ()) -> dict[str, Architecture]:
    """At most `count` architectures by canonical id, neither seen nor `taken`, uniform over what is left of the trained space.

    Fewer come when a listed space is used up, or when `MAX_DRAWS_EACH` draws for each found no more. Limits that next to nothing
    is within are approached edit by edit; what comes then is not uniform.
    """
    rng = state.rng(_PURPOSE)
    found: dict[str, Architecture] = {}
    if count < 1:
        return found
    if state.pool.complete:
        left = [place for place in state.unseen_pool() if state.pool.canonical_ids[place] not in taken]
        for place in rng.permutation(left)[:count].tolist() if left else []:
            found[state.pool.canonical_ids[place]] = state.pool.architectures[place]
        return found
    draws = (canonicalise(state.autoencoder.space.sample(rng)) for _ in range(count * MAX_DRAWS_EACH))
    within = within_limits(state, rng) if state.largest is not None else iter(())
    for architecture in itertools.chain(draws, within):
        name = canonical_id(architecture)
        if name not in taken and state.may_propose(architecture, name):
            found[name] = architecture
        if len(found) == count:
            break
    return found


def within_limits(state: SearchState, rng: np.random.Generator) -> Iterator[Architecture]:
    """Canonical architectures within the request's limits: the ends of walks from random ones, and their neighbours.

    Each step of a walk is the edit that costs least, measured by the limits.
    """
    space = state.autoencoder.space
    for _ in range(MAX_WALKS):
        architecture = canonicalise(space.sample(rng))
        excess = float(state.excess([architecture])[0])
        while True:
            around = [canonicalise(neighbour) for neighbour in space.neighbours(architecture)]
            costs = state.excess(around)
            if excess <= 1.0 or len(around) == 0 or costs.min() >= excess:
                break
            architecture, excess = around[int(costs.argmin())], float(costs.min())
        if excess <= 1.0:
            yield architecture
            yield from (around[place] for place in np.flatnonzero(costs <= 1.0).tolist())
