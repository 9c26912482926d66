"""What the search needs of a graph autoencoder. `models/autoencoders/autoencoder.py` implements it; tests bring their own."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from models.architectures.architecture import Architecture
from models.spaces.space import SearchSpace
from models.svge.encoder import Posterior

__all__ = ["Autoencoder", "Posterior"]


class Autoencoder(Protocol):
    """A trained model of one space. Its methods keep no state, track no gradients and run on the model's device."""

    @property
    def space(self) -> SearchSpace: ...

    @property
    def latent_size(self) -> int: ...

    def encode(self, architectures: Sequence[Architecture]) -> Posterior:
        """The posteriors of any number of architectures, float32 on the CPU; isomorphic ones get equal rows, to the
        rounding of float32.
        """
        ...

    def decode(self, latents: Tensor, generator: torch.Generator | None = None, max_nodes: int | None = None) -> list[Architecture]:
        """One valid architecture in canonical order for each row of `latents` (`n x latent_size`).

        Greedy without a generator; sampled, and reproducible from its seed, with one. `max_nodes` enlarges the space.
        """
        ...
