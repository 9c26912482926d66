"""A small stand-in for a trained model: latents by a fixed projection of graph features, decoding by the nearest reference."""

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from torch import Tensor

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonicalise
from models.search.autoencoder import Posterior
from models.spaces.registry import get_space
from models.spaces.space import SearchSpace

_MAX_NODES = 16
_NUM_REFERENCES = 300


class FakeAutoencoder:
    """Encodes exactly up to isomorphism; decodes to the nearest of 300 samples, grown by neighbours for a larger `max_nodes`."""

    def __init__(self, space: SearchSpace, latent_size: int = 32) -> None:
        self._space = space
        self._latent_size = latent_size
        generator = torch.Generator().manual_seed(7)
        num_features = _MAX_NODES * len(space.vocabulary) + _MAX_NODES**2
        self._projection = torch.randn(num_features, latent_size, generator=generator, dtype=torch.float64) / math.sqrt(8.0)
        rng = np.random.default_rng(7)
        self._references = [canonicalise(space.sample(rng)) for _ in range(_NUM_REFERENCES)]
        self._reference_latents = self.encode(self._references).mean
        self.num_encoded = 0

    @property
    def space(self) -> SearchSpace:
        return self._space

    @property
    def latent_size(self) -> int:
        return self._latent_size

    def encode(self, architectures: Sequence[Architecture]) -> Posterior:
        self.num_encoded = getattr(self, "num_encoded", 0) + len(architectures)
        types = {label: index for index, label in enumerate(self._space.vocabulary)}
        features = np.zeros((len(architectures), self._projection.shape[0]))
        for row, architecture in zip(features, architectures, strict=True):
            canonical = canonicalise(architecture)
            for node, label in enumerate(canonical.nodes):
                row[node * len(types) + types[label]] = 1.0
            for source, target in canonical.edges:
                row[_MAX_NODES * len(types) + source * _MAX_NODES + target] = 0.5
        mean = (torch.from_numpy(features) @ self._projection).float()
        return Posterior(mean, torch.full_like(mean, -4.0))

    def decode(self, latents: Tensor, generator: torch.Generator | None = None, max_nodes: int | None = None) -> list[Architecture]:
        if generator is not None:
            latents = latents + 0.3 * torch.randn(latents.shape, generator=generator)
        decoded = [self._references[index] for index in torch.cdist(latents, self._reference_latents).argmin(1).tolist()]
        return decoded if max_nodes is None else [self._grow(architecture, max_nodes) for architecture in decoded]

    def _grow(self, architecture: Architecture, max_nodes: int) -> Architecture:
        while architecture.num_nodes < max_nodes:
            larger = [one for one in self._space.neighbours(architecture, max_nodes) if one.num_nodes > architecture.num_nodes]
            if not larger:
                break
            architecture = canonicalise(larger[0])
        return architecture


@cache
def shared_autoencoder(space_name: str) -> FakeAutoencoder:
    """One autoencoder a space for all tests that leave it as it is: its pool is built once."""
    return FakeAutoencoder(get_space(space_name))
