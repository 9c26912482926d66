"""The encoded architectures of a space that every search step of one autoencoder shares, and a cache of other encodings.

A pool is computed once for an autoencoder, from nothing but the autoencoder, and kept as long as that lives.
"""

import itertools
import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonical_id, canonicalise
from models.search.autoencoder import Autoencoder
from models.spaces.space import SearchSpace

COMPLETE_LIMIT = 50_000
"""Spaces of at most so many architectures are encoded completely, others are sampled. It takes a third of a millisecond for each
architecture on one core: five seconds for NAS-Bench-201 and two minutes for NAS-Bench-101, too long for a first proposal."""

SAMPLE_SIZE = 4096
"""Architectures drawn from a larger space; one to two seconds on one core at the first proposal."""

_SAMPLE_SEED = 0
_CACHE_LIMIT = 50_000


class EncodingCache:
    """Latent means by canonical architecture, the oldest forgotten first; safe to share between threads.

    A mean is that of the batch in which its architecture first came: other batches give it to the rounding of float32 only.
    """

    def __init__(self, limit: int = _CACHE_LIMIT) -> None:
        self._limit = limit
        self._latents: dict[Architecture, Tensor] = {}
        self._lock = threading.Lock()

    def encode(self, autoencoder: Autoencoder, architectures: Sequence[Architecture]) -> Tensor:
        """The latent means of canonical architectures, `n x d` in float64.

        Raises `ValueError` when the autoencoder gives a number that is not finite.
        """
        with self._lock:
            known = {architecture: self._latents[architecture] for architecture in architectures if architecture in self._latents}
        missing = [architecture for architecture in dict.fromkeys(architectures) if architecture not in known]
        if missing:
            fresh = dict(zip(missing, encode(autoencoder, missing), strict=True))
            known.update(fresh)
            self._remember(fresh)
        rows = [known[architecture] for architecture in architectures]
        return torch.stack(rows) if rows else torch.zeros(0, autoencoder.latent_size, dtype=torch.float64)

    def _remember(self, fresh: dict[Architecture, Tensor]) -> None:
        with self._lock:
            self._latents.update(fresh)
            surplus = max(len(self._latents) - self._limit, 0)
            for oldest in list(itertools.islice(self._latents, surplus)):
                del self._latents[oldest]


@dataclass(frozen=True, eq=False)
class Pool:
    """Architectures of one space with their canonical ids and latent means (`n x d`, float64); `places` gives each its row.

    `complete` says whether they are all there are. `center` (`d`) and the one `scale` standardise latents: with a scale for each
    dimension those that the autoencoder does not use would be blown up to the size of those that it does.
    """

    architectures: tuple[Architecture, ...]
    canonical_ids: tuple[str, ...]
    latents: Tensor
    complete: bool
    center: Tensor
    scale: float
    places: dict[Architecture, int]
    cache: EncodingCache = field(default_factory=EncodingCache)

    @property
    def points(self) -> Tensor:
        """The standardised latents of the pool, `n x d`."""
        return self.standardise(self.latents)

    def encode(self, autoencoder: Autoencoder, architectures: Sequence[Architecture]) -> Tensor:
        """The standardised latent means `n x d` of canonical architectures; only those outside the pool cost anything."""
        rows = torch.zeros(len(architectures), self.latents.shape[1], dtype=torch.float64)
        inside = [row for row, architecture in enumerate(architectures) if architecture in self.places]
        outside = [row for row, architecture in enumerate(architectures) if architecture not in self.places]
        rows[inside] = self.latents[[self.places[architectures[row]] for row in inside]]
        rows[outside] = self.cache.encode(autoencoder, [architectures[row] for row in outside])
        return self.standardise(rows)

    def standardise(self, latents: Tensor) -> Tensor:
        """Points of the surrogate's input space, of mean 0 and average variance 1 over the pool."""
        return (latents - self.center) / self.scale

    def restore(self, points: Tensor) -> Tensor:
        """The inverse of `standardise`."""
        return points * self.scale + self.center


def encode(autoencoder: Autoencoder, architectures: Sequence[Architecture]) -> Tensor:
    """The latent means `n x d` in float64. Raises `ValueError` when one is not finite."""
    latents = autoencoder.encode(architectures).mean.to(device="cpu", dtype=torch.float64)
    if not bool(torch.isfinite(latents).all()):
        raise ValueError("expected finite latent means, got NaN or infinity; the autoencoder's weights are damaged")
    return latents


_pools: dict[int, tuple[weakref.ref[Autoencoder], Pool]] = {}


def pool_of(autoencoder: Autoencoder) -> Pool:
    """The pool of an autoencoder, built at the first call and dropped with the autoencoder."""
    entry = _pools.get(id(autoencoder))
    if entry is not None and entry[0]() is autoencoder:
        return entry[1]
    pool = build_pool(autoencoder)
    key = id(autoencoder)
    _pools[key] = (weakref.ref(autoencoder, lambda _: _pools.pop(key, None)), pool)
    return pool


def build_pool(autoencoder: Autoencoder) -> Pool:
    """The whole space where it has at most `COMPLETE_LIMIT` architectures, else `SAMPLE_SIZE` distinct ones drawn uniformly."""
    space = autoencoder.space
    complete = space.size is not None and space.size <= COMPLETE_LIMIT
    architectures = tuple(canonicalise(architecture) for architecture in (space.enumerate() if complete else _sample(space)))
    latents = encode(autoencoder, architectures)
    scale = float(latents.var(dim=0, correction=0).mean().sqrt()) or 1.0
    canonical_ids = tuple(canonical_id(architecture) for architecture in architectures)
    places = {architecture: place for place, architecture in enumerate(architectures)}
    return Pool(architectures, canonical_ids, latents, complete, latents.mean(0), scale, places)


def _sample(space: SearchSpace) -> list[Architecture]:
    rng = np.random.default_rng(_SAMPLE_SEED)
    return list(dict.fromkeys(canonicalise(space.sample(rng)) for _ in range(SAMPLE_SIZE)))
