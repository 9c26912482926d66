"""A search space of exactly the architectures that a table holds, so that a search runs on looked-up values."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.architectures.architecture import Architecture
from models.search.autoencoder import Autoencoder, Posterior
from models.spaces.grammar import Grammar
from models.spaces.space import SearchSpace


@dataclass(frozen=True, eq=False)
class MeasuredSpace:
    """The architectures of a table, in its order; neighbours are those of the `whole` space that the table holds."""

    whole: SearchSpace
    architectures: tuple[Architecture, ...]

    @cached_property
    def places(self) -> dict[Architecture, int]:
        """The row of each architecture."""
        return {architecture: place for place, architecture in enumerate(self.architectures)}

    @property
    def name(self) -> str:
        return self.whole.name

    @property
    def operations(self) -> tuple[str, ...]:
        return self.whole.operations

    @property
    def max_nodes(self) -> int:
        return self.whole.max_nodes

    @property
    def vocabulary(self) -> tuple[str, ...]:
        return self.whole.vocabulary

    @property
    def size(self) -> int:
        return len(self.architectures)

    def validate(self, architecture: Architecture, max_nodes: int | None = None) -> None:
        self.whole.validate(architecture, max_nodes)

    def sample(self, rng: np.random.Generator) -> Architecture:
        return self.architectures[rng.integers(len(self.architectures))]

    def neighbours(self, architecture: Architecture, max_nodes: int | None = None) -> list[Architecture]:
        return [one for one in self.whole.neighbours(architecture, max_nodes) if one in self.places]

    def enumerate(self) -> Iterator[Architecture]:
        yield from self.architectures

    def grammar(self, max_nodes: int | None = None) -> Grammar:
        return self.whole.grammar(max_nodes)

    def parse_native(self, value: Any) -> Architecture:
        return self.whole.parse_native(value)

    def format_native(self, architecture: Architecture) -> Any:
        return self.whole.format_native(architecture)


@dataclass(frozen=True, eq=False)
class MeasuredAutoencoder:
    """An autoencoder whose space is that of a table: a point that decodes to what was not measured gives the row nearest to it."""

    autoencoder: Autoencoder
    space: MeasuredSpace

    @cached_property
    def _latents(self) -> Tensor:
        return self.encode(self.space.architectures).mean

    @property
    def latent_size(self) -> int:
        return self.autoencoder.latent_size

    def encode(self, architectures: Sequence[Architecture]) -> Posterior:
        return self.autoencoder.encode(architectures)

    def decode(self, latents: Tensor, generator: torch.Generator | None = None, max_nodes: int | None = None) -> list[Architecture]:
        decoded = self.autoencoder.decode(latents, generator, max_nodes)
        outside = [place for place, architecture in enumerate(decoded) if architecture not in self.space.places]
        if outside:
            nearest = torch.cdist(latents[outside].to(self._latents), self._latents).argmin(dim=1).tolist()
            for place, row in zip(outside, nearest, strict=True):
                decoded[place] = self.space.architectures[row]
        return decoded
