"""The encoded architectures of a space that every search step of one autoencoder shares, and a cache of other encodings.

A pool is computed once for an autoencoder, from nothing but the autoencoder, and kept as long as that lives.
"""

import itertools
import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonicalise, id_of_canonical
from models.search.autoencoder import Autoencoder
from models.search.costs import Costs, costs_of
from models.search.features import StructuralFeatures
from models.search.inputs import InputScale, input_scale
from models.spaces.space import SearchSpace

COMPLETE_LIMIT = 50_000
"""Spaces of at most so many architectures are encoded completely, others are sampled. It takes a third of a millisecond for each
architecture on one core: five seconds for NAS-Bench-201 and two minutes for NAS-Bench-101, too long for a first proposal."""

SAMPLE_SIZE = 4096
"""Architectures drawn from a larger space; one to two seconds on one core at the first proposal."""

_SAMPLE_SEED = 0
_CACHE_LIMIT = 50_000


class InputCache:
    """The kept columns of raw rows by canonical architecture, the oldest forgotten first; safe to share between threads.

    A row is the latent mean and then the structural features. The mean is that of the batch in which its architecture first came:
    other batches give it to the rounding of float32 only.
    """

    def __init__(self, features: StructuralFeatures, kept: Tensor, limit: int = _CACHE_LIMIT) -> None:
        self._features = features
        self._kept = kept
        self._limit = limit
        self._rows: dict[Architecture, Tensor] = {}
        self._lock = threading.Lock()

    def encode(self, autoencoder: Autoencoder, architectures: Sequence[Architecture]) -> Tensor:
        """The kept columns of canonical architectures, `n x d` in float64.

        Raises `ValueError` when the autoencoder gives a number that is not finite.
        """
        if not architectures:
            return torch.zeros(0, int(self._kept.sum()), dtype=torch.float64)
        with self._lock:
            known = {architecture: self._rows[architecture] for architecture in architectures if architecture in self._rows}
        missing = [architecture for architecture in dict.fromkeys(architectures) if architecture not in known]
        if missing:
            fresh = dict(zip(missing, encode(autoencoder, self._features, missing)[:, self._kept], strict=True))
            known.update(fresh)
            self._remember(fresh)
        return torch.stack([known[architecture] for architecture in architectures]).double()

    def _remember(self, fresh: dict[Architecture, Tensor]) -> None:
        with self._lock:
            self._rows.update(fresh)
            surplus = max(len(self._rows) - self._limit, 0)
            for oldest in list(itertools.islice(self._rows, surplus)):
                del self._rows[oldest]


@dataclass(frozen=True, eq=False)
class Pool:
    """Architectures of one space with their canonical ids and points (`n x d`, float64); `places` gives each its row.

    `complete` says whether they are all there are; `inputs` is the scale that they define.
    """

    architectures: tuple[Architecture, ...]
    canonical_ids: tuple[str, ...]
    points: Tensor
    complete: bool
    inputs: InputScale
    places: dict[Architecture, int]
    cache: InputCache

    @cached_property
    def costs(self) -> Costs:
        """What each architecture costs. Raises `KeyError` for a space without networks."""
        return costs_of(self.architectures)

    def encode(self, autoencoder: Autoencoder, architectures: Sequence[Architecture]) -> Tensor:
        """The points `n x d` of canonical architectures; only those outside the pool cost anything."""
        points = self.points.new_zeros(len(architectures), self.points.shape[1])
        inside = [row for row, architecture in enumerate(architectures) if architecture in self.places]
        outside = [row for row, architecture in enumerate(architectures) if architecture not in self.places]
        points[inside] = self.points[[self.places[architectures[row]] for row in inside]]
        points[outside] = self.inputs.standardise(self.cache.encode(autoencoder, [architectures[row] for row in outside]))
        return points


def encode(autoencoder: Autoencoder, features: StructuralFeatures, architectures: Sequence[Architecture]) -> Tensor:
    """The raw rows, `n x c` in float32. Raises `ValueError` when a latent mean is not finite."""
    latents = autoencoder.encode(architectures).mean.to(device="cpu", dtype=torch.float32)
    if not bool(torch.isfinite(latents).all()):
        raise ValueError("expected finite latent means, got NaN or infinity; the autoencoder's weights are damaged")
    return torch.cat([latents, torch.from_numpy(features(architectures))], dim=1)


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
    features = StructuralFeatures(space)
    raw = encode(autoencoder, features, architectures).double()
    inputs = input_scale(raw, autoencoder.latent_size, features.blocks)
    canonical_ids = tuple(id_of_canonical(architecture) for architecture in architectures)
    places = {architecture: place for place, architecture in enumerate(architectures)}
    return Pool(
        architectures,
        canonical_ids,
        inputs.standardise(raw[:, inputs.kept]),
        complete,
        inputs,
        places,
        InputCache(features, inputs.kept),
    )


def _sample(space: SearchSpace) -> list[Architecture]:
    rng = np.random.default_rng(_SAMPLE_SEED)
    return list(dict.fromkeys(canonicalise(space.sample(rng)) for _ in range(SAMPLE_SIZE)))
