"""An autoencoder that memorises a small space, whose figures are known beforehand."""

from collections.abc import Sequence

import torch

from models.architectures.architecture import Architecture
from models.spaces.enas_macro import EnasMacro
from models.svge.encoder import Posterior


class Memory:
    """Encodes the i-th architecture of a small space as the number i, certain to `std`; what is farther than `reach` from a
    number fails in free decoding.
    """

    latent_size = 1

    def __init__(self, reach: float, std: float = 1e-40) -> None:
        self.space = EnasMacro(num_layers=2)
        self.known = list(self.space.enumerate())
        self.reach = reach
        self.log_var = 2.0 * torch.tensor(std, dtype=torch.float64).log().item()

    def encode(self, architectures: Sequence[Architecture]) -> Posterior:
        mean = torch.tensor([[float(self.known.index(architecture))] for architecture in architectures])
        return Posterior(mean, torch.full_like(mean, self.log_var))

    def decode(self, latents: torch.Tensor, generator: torch.Generator | None = None) -> list[Architecture]:
        return [self.known[round(z) % len(self.known)] for z in latents[:, 0].tolist()]

    def decode_free(self, latents: torch.Tensor, generator: torch.Generator | None = None) -> list[Architecture | None]:
        return [self.known[round(z) % len(self.known)] if abs(z - round(z)) <= self.reach else None for z in latents[:, 0].tolist()]
