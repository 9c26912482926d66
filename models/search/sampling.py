"""Architectures drawn uniformly from the space, without repeating what was seen."""

from collections.abc import Collection

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonical_id, canonicalise
from models.search.state import SearchState

MAX_DRAWS_EACH = 100
"""Draws from a space too large to list before an architecture that was not seen is given up."""

_PURPOSE = 2


def draw_unseen(state: SearchState, count: int, taken: Collection[str] = ()) -> dict[str, Architecture]:
    """At most `count` architectures by canonical id, neither seen nor `taken`, uniform over what is left of the trained space.

    Fewer come when a listed space is used up, or when `MAX_DRAWS_EACH` draws for each found no more.
    """
    rng = state.rng(_PURPOSE)
    found: dict[str, Architecture] = {}
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
