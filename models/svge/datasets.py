"""What an SVGe is trained on and held out from: a finite space split by a seed, a larger one sampled from a seed."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from models.architectures.architecture import Architecture
from models.spaces.space import SearchSpace, SpaceTooLarge

SAMPLED_GRAPHS = 200_000
HELD_OUT_SHARE = 0.1
MAX_HELD_OUT = 10_000


class Split(NamedTuple):
    """Disjoint architectures in canonical order, and a sentence for the card that says where they come from."""

    train: list[Architecture]
    held_out: list[Architecture]
    origin: str


def build_split(space: SearchSpace, seed: int, num_graphs: int = SAMPLED_GRAPHS) -> Split:
    """All architectures of a space that can be listed, else `num_graphs` distinct samples; a tenth is held out."""
    try:
        architectures = list(space.enumerate())
        origin = f"all {len(architectures)} architectures of the space"
    except SpaceTooLarge:
        architectures = sample_distinct(space, num_graphs, np.random.default_rng(seed))
        fewer = "" if len(architectures) == num_graphs else f", all that {num_graphs} wanted ones brought"
        origin = f"{len(architectures)} distinct samples of the space{fewer}"
    return split(architectures, np.random.default_rng(seed), f"{origin}, seed {seed}")


def split(architectures: Sequence[Architecture], rng: np.random.Generator, origin: str) -> Split:
    """A random split into training and held-out architectures."""
    num_held_out = min(int(len(architectures) * HELD_OUT_SHARE), MAX_HELD_OUT)
    order = rng.permutation(len(architectures))
    held_out = [architectures[index] for index in order[:num_held_out]]
    train = [architectures[index] for index in order[num_held_out:]]
    return Split(train, held_out, f"{origin}; {num_held_out} of them held out")


def sample_distinct(space: SearchSpace, count: int, rng: np.random.Generator) -> list[Architecture]:
    """Up to `count` distinct architectures; fewer where the space gives no new one in as many tries again."""
    found: dict[Architecture, None] = {}
    for _ in range(2 * count):
        if len(found) == count:
            break
        found.setdefault(space.sample(rng))
    return list(found)


def hold_out(architectures: Sequence[Architecture], count: int, seed: int) -> tuple[list[Architecture], list[Architecture]]:
    """The architectures without `count` random ones, at most a tenth, and these. Raises `ValueError` where that is none."""
    num_held_out = min(count, int(len(architectures) * HELD_OUT_SHARE))
    if num_held_out == 0:
        raise ValueError(
            f"expected at least {round(1 / HELD_OUT_SHARE)} architectures to validate with some, got {len(architectures)}"
        )
    order = np.random.default_rng(seed).permutation(len(architectures))
    chosen, rest = order[:num_held_out], np.sort(order[num_held_out:])
    return [architectures[index] for index in rest], [architectures[index] for index in chosen]
