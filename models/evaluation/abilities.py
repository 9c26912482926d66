"""The basic abilities of an autoencoder (Table 5, Appendix D.1): reconstruction, validity, uniqueness and novelty.

How smooth its latent space is, is `smoothness.py`; what the papers publish, `published.py`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonicalise
from models.autoencoders.autoencoder import GraphAutoencoder
from models.evaluation.progress import Report, silent
from models.svge.encoder import Posterior
from models.svge.objective import sample_posterior

REPEATS = 10
"""Latents sampled for each graph, and decodings of each latent."""

PUBLISHED_NOISE_SCALE = 0.01
"""What the published code of SVGe and D-VAE multiplies the posterior's standard deviation by."""

_GRAPHS_AT_ONCE = 100


@dataclass(frozen=True)
class Abilities:
    """Everything in percent, decoded freely and sampled unless the name says otherwise.

    `reconstruction`: decodings of posterior samples that are the encoded graph; `reconstruction_published_noise`: the same with a
    hundredth of the posterior's standard deviation; `reconstruction_greedy`: graphs that the greedy constrained decoding of their
    posterior mean gives back, which is how the search decodes. `validity_free`, `validity_constrained`: decodings of prior samples
    that are valid. `uniqueness`, `novelty`: the valid free ones that are distinct, and that were not trained on.
    """

    reconstruction: float
    reconstruction_published_noise: float
    reconstruction_greedy: float
    validity_free: float
    validity_constrained: float
    uniqueness: float
    novelty: float


def measure_abilities(
    autoencoder: GraphAutoencoder,
    held_out: Sequence[Architecture],
    trained_on: Collection[Architecture],
    seed: int,
    num_prior_samples: int = 1000,
    report: Report = silent,
) -> Abilities:
    """Table 5's protocol: 10 posterior samples of each held-out graph and 1,000 of the prior, each decoded 10 times."""
    generator = torch.Generator().manual_seed(seed)
    graphs = [canonicalise(architecture) for architecture in held_out]
    posterior = autoencoder.encode(graphs)
    prior = torch.randn(num_prior_samples, autoencoder.latent_size, generator=generator).repeat_interleave(REPEATS, dim=0)
    report("decoding the prior", 0, 2)
    free = [graph for graph in autoencoder.decode_free(prior, generator) if graph is not None]
    report("decoding the prior", 1, 2)
    constrained = autoencoder.decode(prior, generator)
    report("decoding the prior", 2, 2)
    known = set(trained_on)
    greedy = autoencoder.decode(posterior.mean)
    return Abilities(
        reconstruction=reconstruction(autoencoder, graphs, posterior, 1.0, generator, report),
        reconstruction_published_noise=reconstruction(autoencoder, graphs, posterior, PUBLISHED_NOISE_SCALE, generator, report),
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
    report: Report = silent,
) -> float:
    """The share, in percent, of free decodings of posterior samples that are the encoded graph, which is canonical.

    `noise_scale` multiplies the posterior's standard deviation.
    """
    hits = 0
    for start in range(0, len(graphs), _GRAPHS_AT_ONCE):
        part = graphs[start : start + _GRAPHS_AT_ONCE]
        # All decodings of a graph stand together: most are alike, and a batch with few distinct graphs is read off quickly.
        repeated = Posterior(*(column[start : start + len(part)].repeat_interleave(REPEATS, dim=0) for column in posterior))
        latents = sample_posterior(repeated, noise_scale, generator).repeat_interleave(REPEATS, dim=0)
        decoded = autoencoder.decode_free(latents, generator)
        hits += sum(graph == part[index // REPEATS**2] for index, graph in enumerate(decoded))
        report(f"reconstructing at noise {noise_scale:g}", start + len(part), len(graphs))
    return _percent(hits, len(graphs) * REPEATS**2)


def _is_valid(autoencoder: GraphAutoencoder, architecture: Architecture) -> bool:
    try:
        autoencoder.space.validate(architecture)
    except ValueError:
        return False
    return True


def _percent(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else 0.0
