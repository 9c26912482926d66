"""The objective against the formulas written out, and against the decoder's own probabilities."""

import itertools
import math

import numpy as np
import torch
from torch.distributions import Normal
from torch.distributions import kl_divergence as torch_kl

from models.architectures.architecture import Architecture
from models.spaces.registry import get_space
from models.svge.encoder import Posterior
from models.svge.objective import elbo_loss, kl_divergence, reconstruction, sample_posterior
from models.svge.packing import PackedGraphs, pack
from tests.models.svge.small import SMALL, small_model


def test_divergence_equals_the_closed_form_of_torch() -> None:
    torch.manual_seed(0)
    posterior = Posterior(torch.randn(5, 7), torch.randn(5, 7))
    normal = Normal(posterior.mean, (0.5 * posterior.log_var).exp())
    expected = torch_kl(normal, Normal(torch.zeros(5, 7), torch.ones(5, 7))).sum(dim=1)
    torch.testing.assert_close(kl_divergence(posterior), expected)


def test_posterior_samples_have_its_mean_and_scaled_deviation() -> None:
    posterior = Posterior(torch.full((1, 2), 3.0).expand(40_000, 2), torch.full((1, 2), math.log(4.0)).expand(40_000, 2))
    samples = sample_posterior(posterior, 0.5, torch.Generator().manual_seed(0))
    torch.testing.assert_close(samples.mean(dim=0), torch.full((2,), 3.0), atol=0.03, rtol=0)
    torch.testing.assert_close(samples.std(dim=0), torch.full((2,), 1.0), atol=0.03, rtol=0)


def test_probabilities_of_all_graphs_sum_to_one() -> None:
    """Teacher-forced likelihoods are a distribution: over all graphs of 2 nodes, and over all of 3."""
    model = small_model("nasbench101").double()
    space = get_space("nasbench101")
    latent = torch.randn(1, SMALL.latent_size, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    labels = range(len(space.vocabulary))
    total = 0.0
    for first in labels:
        for edge in (0.0, 1.0):
            graphs = _graph([0, first], {(0, 1): edge})
            nodes, edges = reconstruction(model.decoder, latent, graphs)
            total += math.exp(-(nodes + edges).item())
    assert math.isclose(total, 1.0, rel_tol=1e-6)
    total = 0.0
    for first, second in itertools.product(labels, labels):
        for bits in itertools.product((0.0, 1.0), repeat=3):
            graphs = _graph([0, first, second], dict(zip(((0, 1), (0, 2), (1, 2)), bits, strict=True)))
            nodes, edges = reconstruction(model.decoder, latent, graphs)
            total += math.exp(-(nodes + edges).item())
    assert math.isclose(total, 1.0, rel_tol=1e-6)


def _graph(types: list[int], edges: dict[tuple[int, int], float]) -> PackedGraphs:
    n = len(types)
    adjacency = torch.zeros(1, n, n, dtype=torch.float64)
    for (source, target), bit in edges.items():
        adjacency[0, source, target] = bit
    return PackedGraphs(torch.tensor([types]), adjacency, torch.ones(1, n, dtype=torch.float64))


def test_padding_adds_nothing_to_the_loss() -> None:
    model = small_model("nasbench101")
    space = get_space("nasbench101")
    rng = np.random.default_rng(0)
    small = Architecture("nasbench101", ("input", "conv3x3", "output"), ((0, 1), (1, 2)))
    graphs = pack([small, space.sample(rng)], space.vocabulary)
    latent = torch.randn(2, SMALL.latent_size, generator=torch.Generator().manual_seed(0))
    padded = [part[0] for part in reconstruction(model.decoder, latent, graphs)]
    alone = [part[0] for part in reconstruction(model.decoder, latent[:1], pack([small], space.vocabulary))]
    torch.testing.assert_close(padded, alone)


def test_total_is_the_weighted_sum() -> None:
    model = small_model("enas_macro")
    space = get_space("enas_macro")
    rng = np.random.default_rng(0)
    graphs = pack([space.sample(rng) for _ in range(4)], space.vocabulary)
    posterior = model.encoder(graphs)
    losses = elbo_loss(model.decoder, posterior, posterior.mean, graphs, kl_weight=0.25)
    torch.testing.assert_close(losses.total, losses.nodes + losses.edges + 0.25 * losses.kl)
