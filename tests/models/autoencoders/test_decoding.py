"""Many decodings of a point and the points between two, on a real small model and on one whose answers are known."""

import pytest
import torch
from torch import Tensor

from models.architectures.architecture import Architecture
from models.autoencoders.decoding import decode_many, interpolate
from models.spaces.nasbench101 import NasBench101
from tests.models.svge.small import SMALL, small_autoencoder


class Chains:
    """Decodes z to a chain of round(z) operations; sampled, of one more in a quarter of the cases."""

    def decode(self, latents: Tensor, generator: torch.Generator | None = None) -> list[Architecture]:
        more = torch.zeros(len(latents)) if generator is None else (torch.rand(len(latents), generator=generator) < 0.25).float()
        return [self.chain(round(z)) for z in (latents[:, 0] + more).tolist()]

    def chain(self, operations: int) -> Architecture:
        nodes = ("input", *["conv3x3"] * operations, "output")
        return Architecture("nasbench101", nodes, tuple((node, node + 1) for node in range(operations + 1)))


def test_frequencies_are_shares_of_the_samples() -> None:
    chains = Chains()
    first, second = decode_many(chains, torch.tensor([[1.0], [3.0]]), 400, torch.Generator().manual_seed(0))
    for found, likely in ((first, 1), (second, 3)):
        assert [architecture for architecture, _ in found] == [chains.chain(likely), chains.chain(likely + 1)]
        assert [frequency for _, frequency in found] == pytest.approx([0.75, 0.25], abs=0.08)
        assert sum(frequency for _, frequency in found) == 1.0


def test_many_decodings_are_those_of_decoding_many_times() -> None:
    autoencoder = small_autoencoder("nasbench101")
    latents = torch.randn(5, SMALL.latent_size, generator=torch.Generator().manual_seed(0))
    rows = decode_many(autoencoder, latents, 40, torch.Generator().manual_seed(1))
    plain = autoencoder.decode(latents.repeat_interleave(40, dim=0), torch.Generator().manual_seed(1))
    for row, found in enumerate(rows):
        samples = plain[40 * row : 40 * row + 40]
        assert dict(found) == {architecture: samples.count(architecture) / 40 for architecture in samples}
        frequencies = [frequency for _, frequency in found]
        assert frequencies == sorted(frequencies, reverse=True)
        for architecture, _ in found:
            autoencoder.space.validate(architecture)
    assert len(rows[0]) > 1
    assert decode_many(autoencoder, latents[:0], 3, torch.Generator()) == []


def test_a_line_has_its_ends_and_equal_steps() -> None:
    chains = Chains()
    line = interpolate(chains, torch.tensor([1.0, 4.0]), torch.tensor([3.0, 0.0]), 5)
    torch.testing.assert_close(line.latents, torch.tensor([[1.0, 4.0], [1.5, 3.0], [2.0, 2.0], [2.5, 1.0], [3.0, 0.0]]))
    assert line.architectures == chains.decode(line.latents)
    assert (line.architectures[0], line.architectures[-1]) == (chains.chain(1), chains.chain(3))


def test_what_cannot_be_asked_is_refused() -> None:
    point = torch.zeros(2)
    with pytest.raises(ValueError, match="at least 1 sample a point, got 0"):
        decode_many(Chains(), point.unsqueeze(0), 0, torch.Generator())
    with pytest.raises(ValueError, match="at least 2 steps"):
        interpolate(Chains(), point, point, 1)
    with pytest.raises(ValueError, match=r"the shapes \(2,\) and \(3,\)"):
        interpolate(Chains(), point, torch.zeros(3), 4)


def test_free_decoding_gives_valid_canonical_architectures_or_none() -> None:
    autoencoder = small_autoencoder("nasbench101")
    latents = torch.randn(300, SMALL.latent_size, generator=torch.Generator().manual_seed(0))
    decoded = autoencoder.decode_free(latents, torch.Generator().manual_seed(0))
    valid = [architecture for architecture in decoded if architecture is not None]
    assert 0 < len(valid) < len(decoded)
    for architecture in valid:
        NasBench101().validate(architecture)
