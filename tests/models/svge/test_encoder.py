"""What the encoder owes to the search: isomorphic graphs together, different graphs apart, padding and batches without effect."""

import numpy as np
import pytest
import torch

from models.architectures.architecture import Architecture
from models.spaces.registry import get_space, space_names
from models.svge.encoder import Encoder
from models.svge.packing import PackedGraphs, pack
from tests.models.svge.small import SMALL, small_autoencoder


def relabelled(graphs: PackedGraphs, rng: np.random.Generator) -> PackedGraphs:
    """Every graph with its nodes in a random order, topological or not: the encoder must not care."""
    order = torch.from_numpy(rng.permuted(np.tile(np.arange(graphs.types.shape[1]), (len(graphs.types), 1)), axis=1))
    rows = torch.arange(len(order)).unsqueeze(1)
    adjacency = graphs.adjacency[rows.unsqueeze(2), order.unsqueeze(2), order.unsqueeze(1)]
    return PackedGraphs(graphs.types[rows, order], adjacency, graphs.mask[rows, order])


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", space_names())
def test_isomorphic_graphs_get_equal_latents(name: str, precision: torch.dtype) -> None:
    space = get_space(name)
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    encoder = Encoder(SMALL, len(space.vocabulary))
    graphs = pack([space.sample(rng) for _ in range(1000)], space.vocabulary)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
        expected, got = encoder(graphs), encoder(relabelled(graphs, rng))
    assert (expected.mean - got.mean).abs().max() < 1e-5
    assert (expected.log_var - got.log_var).abs().max() < 1e-5


@pytest.mark.parametrize("name", space_names())
def test_different_architectures_get_different_latents(name: str) -> None:
    space = get_space(name)
    rng = np.random.default_rng(1)
    distinct = list({space.sample(rng): None for _ in range(500)})
    mean = small_autoencoder(name).encode(distinct).mean.double()
    distances = torch.cdist(mean, mean) + torch.eye(len(distinct), dtype=torch.float64)
    assert distances.min() > 1e-6


def test_padding_and_batch_do_not_change_a_latent() -> None:
    autoencoder = small_autoencoder("nasbench101")
    rng = np.random.default_rng(2)
    smallest = Architecture("nasbench101", ("input", "output"), ((0, 1),))
    architectures = [smallest, *(autoencoder.space.sample(rng) for _ in range(30))]
    together = autoencoder.encode(architectures)
    for row, architecture in enumerate(architectures):
        alone = autoencoder.encode([architecture])
        torch.testing.assert_close(alone.mean[0], together.mean[row], atol=1e-5, rtol=0)
        torch.testing.assert_close(alone.log_var[0], together.log_var[row], atol=1e-5, rtol=0)


def test_encoding_nothing_gives_no_rows() -> None:
    posterior = small_autoencoder("enas_macro").encode([])
    assert posterior.mean.shape == posterior.log_var.shape == (0, SMALL.latent_size)
