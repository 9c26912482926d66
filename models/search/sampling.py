"""Architectures drawn at random, uniformly from the space or decoded from the prior, without repeating what was seen."""

from collections.abc import Collection

import torch

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonical_id, canonicalise
from models.search.state import SearchState

MAX_DRAWS_EACH = 100
"""Draws from a space too large to list before an architecture that was not seen is given up."""

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
            if len(found) < count and name not in state.seen and name not in taken:
                found[name] = architecture
    return found


def draw_unseen(state: SearchState, count: int, taken: Collection[str] = ()) -> dict[str, Architecture]:
    """At most `count` architectures by canonical id, neither seen nor `taken`, uniform over what is left of the trained space.

    Fewer come when a listed space is used up, or when `MAX_DRAWS_EACH` draws for each found no more.
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
    for _ in range(count * MAX_DRAWS_EACH):
        if len(found) == count:
            break
        architecture = canonicalise(state.autoencoder.space.sample(rng))
        name = canonical_id(architecture)
        if name not in state.seen and name not in taken:
            found[name] = architecture
    return found
