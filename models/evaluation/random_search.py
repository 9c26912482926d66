"""Random search in the latent space (Table 6): decode points of the prior, and see how good the best of the first n is.

Beside it, architectures drawn uniformly from the space.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from models.architectures.architecture import Architecture
from models.autoencoders.autoencoder import GraphAutoencoder
from models.evaluation.labels import Labelled
from models.evaluation.progress import Report, silent
from models.evaluation.scoring import Score
from models.spaces.space import SearchSpace

_LATENTS_AT_ONCE = 512
_MAX_TRIES = 50


@dataclass(frozen=True, eq=False)
class SearchCurves:
    """The best value among the first n distinct architectures, `runs x n`: `latent` decoded from the prior, `uniform` drawn from
    the space, and the best architecture of all runs of the first.
    """

    latent: np.ndarray
    uniform: np.ndarray
    best: Architecture


class SpaceExhausted(ValueError):
    """Fewer distinct architectures came than a run needs."""


def search_randomly(
    autoencoder: GraphAutoencoder, value: Score, count: int, seeds: Sequence[int], report: Report = silent
) -> SearchCurves:
    """Runs of `count` distinct architectures each, one for each seed. Raises `SpaceExhausted`."""
    latent, uniform = [], []
    best, best_value = None, -np.inf
    for place, seed in enumerate(seeds):
        report("random searches", place, len(seeds))
        decoded = _distinct(_decoded(autoencoder, seed), count)
        values = value(decoded)
        latent.append(np.maximum.accumulate(values))
        if values.max() > best_value:
            best, best_value = decoded[int(values.argmax())], float(values.max())
        sampled = _distinct(_sampled(autoencoder.space, seed), count)
        uniform.append(np.maximum.accumulate(value(sampled)))
    report("random searches", len(seeds), len(seeds))
    if best is None:
        raise ValueError("expected at least one seed, got none")
    return SearchCurves(np.array(latent), np.array(uniform), best)


def look_up(data: Labelled) -> Score:
    """The measured values, of architectures in canonical order that are all in `data`."""
    table = dict(zip(data.architectures, data.values.tolist(), strict=True))
    return lambda architectures: np.array([table[architecture] for architecture in architectures])


def covers(data: Labelled, space: SearchSpace) -> bool:
    """Whether every architecture of the space was measured, so that no value need be predicted."""
    known = set(data.architectures)
    if space.size is None or len(known) > space.size or len(known) < space.size // 10:
        return False
    return all(architecture in known for architecture in space.enumerate())


def _distinct(source: Iterator[Architecture], count: int) -> list[Architecture]:
    found: dict[Architecture, None] = {}
    for tries, architecture in enumerate(source):
        found.setdefault(architecture)
        if len(found) == count:
            return list(found)
        if tries >= _MAX_TRIES * count:
            break
    raise SpaceExhausted(f"expected {count} distinct architectures, got {len(found)} in {_MAX_TRIES * count} tries; ask for fewer")


def _decoded(autoencoder: GraphAutoencoder, seed: int) -> Iterator[Architecture]:
    generator = torch.Generator().manual_seed(seed)
    while True:
        latents = torch.randn(_LATENTS_AT_ONCE, autoencoder.latent_size, generator=generator)
        yield from autoencoder.decode(latents, generator)


def _sampled(space: SearchSpace, seed: int) -> Iterator[Architecture]:
    rng = np.random.default_rng(seed)
    while True:
        yield space.sample(rng)
