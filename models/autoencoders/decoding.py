"""What is asked of decoding beyond one architecture a point: all that a point decodes to, and what lies between two points."""

from collections import Counter
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from models.architectures.architecture import Architecture


class Decodes(Protocol):
    """A `GraphAutoencoder`, or a stand-in for one."""

    def decode(self, latents: Tensor, generator: torch.Generator | None = None) -> list[Architecture]:
        """One architecture for each row of `latents` (`n x latent_size`): sampled with a generator, greedy without."""
        ...


class Interpolation(NamedTuple):
    """`latents`: `n x latent_size`, from the start to the end; `architectures`: the greedy decoding of each."""

    latents: Tensor
    architectures: list[Architecture]


def decode_many(
    autoencoder: Decodes, latents: Tensor, samples: int, generator: torch.Generator
) -> list[list[tuple[Architecture, float]]]:
    """For each row of `latents` (`n x latent_size`) the distinct architectures among `samples` decodings, with their frequencies.

    The most frequent comes first, of equals the one sampled first; the frequencies of a row add up to 1. Raises `ValueError`
    for less than one sample.
    """
    if samples < 1:
        raise ValueError(f"expected at least 1 sample a point, got {samples}; for the likeliest decoding use the greedy one")
    decoded = autoencoder.decode(latents.repeat_interleave(samples, dim=0), generator)
    counters = [Counter(decoded[start : start + samples]) for start in range(0, len(decoded), samples)]
    return [[(architecture, count / samples) for architecture, count in counter.most_common()] for counter in counters]


def interpolate(autoencoder: Decodes, start: Tensor, end: Tensor, steps: int) -> Interpolation:
    """`steps` points at equal distances on the straight line between two points (`latent_size` each), ends included.

    The line is straight because distances in the latent space are Euclidean everywhere else: in the surrogate's kernel, and
    in the steps that smoothness is measured with. On a great circle the result would depend on where the origin is, and the
    encodings do not lie on a sphere about it. Raises `ValueError` for less than two steps and for points of unequal length.
    """
    if steps < 2:
        raise ValueError(f"expected at least 2 steps, the start and the end, got {steps}")
    if start.shape != end.shape or start.dim() != 1:
        raise ValueError(f"expected two points of one length, got the shapes {tuple(start.shape)} and {tuple(end.shape)}")
    share = torch.linspace(0.0, 1.0, steps, dtype=start.dtype, device=start.device).unsqueeze(1)
    latents = torch.lerp(start, end, share)  # steps x latent_size
    return Interpolation(latents, autoencoder.decode(latents))
