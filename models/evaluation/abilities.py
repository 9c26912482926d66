"""The basic abilities of an autoencoder (Table 5, Appendix D.1): reconstruction, validity, uniqueness and novelty."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonicalise
from models.autoencoders.autoencoder import GraphAutoencoder
from models.svge.encoder import Posterior

REPEATS = 10
"""Latents sampled for each graph, and decodings of each latent."""


@dataclass(frozen=True)
class Abilities:
    """Everything in percent, decoded freely and sampled unless the name says otherwise.

    `reconstruction`: decodings of posterior samples that are the encoded graph; `reconstruction_greedy`: graphs that the greedy
    constrained decoding of their posterior mean gives back, which is how the search decodes. `validity_free`,
    `validity_constrained`: decodings of prior samples that are valid. `uniqueness`, `novelty`: the valid free ones that are
    distinct, and that were not trained on.
    """

    reconstruction: float
    reconstruction_greedy: float
    validity_free: float
    validity_constrained: float
    uniqueness: float
    novelty: float


def measure_abilities(
    autoencoder: GraphAutoencoder,
    held_out: Sequence[Architecture],
    trained_on: Sequence[Architecture],
    seed: int,
    noise_scale: float = 1.0,
    num_prior_samples: int = 1000,
) -> Abilities:
    """Table 5's protocol: 10 posterior samples of each held-out graph and 1,000 of the prior, each decoded 10 times.

    `noise_scale` multiplies the posterior's standard deviation; the published code used 0.01.
    """
    generator = torch.Generator().manual_seed(seed)
    graphs = [canonicalise(architecture) for architecture in held_out]
    posterior = autoencoder.encode(graphs)
    prior = torch.randn(num_prior_samples, autoencoder.latent_size, generator=generator).repeat_interleave(REPEATS, dim=0)
    free = [graph for graph in autoencoder.decode_free(prior, generator) if graph is not None]
    constrained = autoencoder.decode(prior, generator)
    known = set(trained_on)
    greedy = autoencoder.decode(posterior.mean)
    return Abilities(
        reconstruction=reconstruction(autoencoder, graphs, posterior, noise_scale, generator),
        reconstruction_greedy=_percent(sum(a == b for a, b in zip(greedy, graphs, strict=True)), len(graphs)),
        validity_free=_percent(len(free), len(prior)),
        validity_constrained=_percent(sum(_is_valid(autoencoder, graph) for graph in constrained), len(prior)),
        uniqueness=_percent(len(set(free)), len(free)),
        novelty=_percent(sum(graph not in known for graph in free), len(free)),
    )


def reconstruction(
    autoencoder: GraphAutoencoder,
    graphs: Sequence[Architecture],
    posterior: Posterior,
    noise_scale: float,
    generator: torch.Generator,
) -> float:
    """The share, in percent, of free decodings of posterior samples that are the encoded graph, which is canonical."""
    hits = 0
    for _ in range(REPEATS):
        latents = _sample(posterior, noise_scale, generator).repeat_interleave(REPEATS, dim=0)
        decoded = autoencoder.decode_free(latents, generator)
        hits += sum(graph == graphs[index // REPEATS] for index, graph in enumerate(decoded))
    return _percent(hits, len(graphs) * REPEATS * REPEATS)


def _sample(posterior: Posterior, noise_scale: float, generator: torch.Generator) -> Tensor:
    noise = torch.randn(posterior.mean.shape, generator=generator)
    return posterior.mean + noise_scale * torch.exp(0.5 * posterior.log_var) * noise


def _is_valid(autoencoder: GraphAutoencoder, architecture: Architecture) -> bool:
    try:
        autoencoder.space.validate(architecture)
    except ValueError:
        return False
    return True


def _percent(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else 0.0
