"""The measures of Table 5 on an autoencoder that memorises, whose figures are known beforehand."""

from collections.abc import Sequence

import pytest
import torch

from models.architectures.architecture import Architecture
from models.evaluation.abilities import measure_abilities
from models.spaces.enas_macro import EnasMacro
from models.svge.encoder import Posterior


class Memory:
    """Encodes the i-th architecture of a small space as the number i; what is not near a number fails in free decoding."""

    latent_size = 1

    def __init__(self, reach: float) -> None:
        self.space = EnasMacro(num_layers=2)
        self.known = list(self.space.enumerate())
        self.reach = reach

    def encode(self, architectures: Sequence[Architecture]) -> Posterior:
        mean = torch.tensor([[float(self.known.index(architecture))] for architecture in architectures])
        return Posterior(mean, torch.full_like(mean, -200.0))

    def decode(self, latents: torch.Tensor, generator: torch.Generator | None = None) -> list[Architecture]:
        return [self.known[round(z) % len(self.known)] for z in latents[:, 0].tolist()]

    def decode_free(self, latents: torch.Tensor, generator: torch.Generator | None = None) -> list[Architecture | None]:
        return [self.known[round(z) % len(self.known)] if abs(z - round(z)) <= self.reach else None for z in latents[:, 0].tolist()]


def test_a_perfect_memory_scores_a_hundred() -> None:
    memory = Memory(reach=0.5)
    abilities = measure_abilities(memory, memory.known[:30], memory.known[30:], seed=0)
    assert abilities.reconstruction == abilities.reconstruction_greedy == 100.0
    assert abilities.validity_free == abilities.validity_constrained == 100.0


def test_invalid_decodings_count_against_validity_only() -> None:
    memory = Memory(reach=0.25)
    abilities = measure_abilities(memory, memory.known[:30], memory.known[30:], seed=0)
    assert abilities.validity_free == pytest.approx(50.0, abs=5.0)
    assert abilities.validity_constrained == 100.0
    assert abilities.reconstruction == 100.0


def test_novelty_and_uniqueness_are_shares_of_the_valid() -> None:
    memory = Memory(reach=0.5)
    everything = measure_abilities(memory, memory.known[:5], memory.known, seed=0)
    nothing = measure_abilities(memory, memory.known[:5], [], seed=0)
    assert (everything.novelty, nothing.novelty) == (0.0, 100.0)
    prior_range = 9
    assert everything.uniqueness <= 100.0 * prior_range / 10_000
