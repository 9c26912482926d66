"""The dense GIN against PyTorch Geometric's sparse GINConv, and what every graph model owes."""

import numpy as np
import pytest
import torch
from torch import nn
from torch_geometric.data import Batch
from torch_geometric.nn import GINConv, global_add_pool

from models.architectures.architecture import Architecture
from models.autoencoders.autoencoder import GraphAutoencoder
from models.spaces.registry import get_space
from models.svge.geometric import to_data
from models.svge.packing import pack
from tests.models.baselines.small import SMALL_GIN, small_gin
from tests.models.svge.test_encoder import relabelled


def samples(name: str, count: int) -> list[Architecture]:
    rng = np.random.default_rng(0)
    return [get_space(name).sample(rng) for _ in range(count)]


@pytest.mark.parametrize("name", ["enas_macro", "nasbench101"])
def test_posteriors_are_those_of_sparse_convolutions(name: str) -> None:
    model = small_gin(name).double()
    architectures = [*samples(name, 20), samples(name, 1)[0]]
    graphs = pack(architectures, model.vocabulary)
    batch = Batch.from_data_list([to_data(architecture, model.vocabulary) for architecture in architectures])
    both_ways = torch.cat([batch.edge_index, batch.edge_index.flip(0)], dim=1)
    with torch.no_grad():
        posterior = model.encode(graphs._replace(adjacency=graphs.adjacency.double(), mask=graphs.mask.double()))
        states = model.encoder.embedding(batch.x)
        sums = [global_add_pool(states, batch.batch)]
        for layer in model.encoder.layers:
            # A sparse layer resets the network it is given: it takes a new one, then the weights.
            size = SMALL_GIN.gin_size
            sparse = GINConv(nn.Sequential(nn.Linear(size, size), nn.ReLU(), nn.Linear(size, size))).double()
            sparse.load_state_dict(layer.state_dict())
            states = torch.relu(sparse(states, both_ways))
            sums.append(global_add_pool(states, batch.batch))
        mean, log_var = model.encoder.posterior(torch.cat(sums, dim=1)).chunk(2, dim=1)
    torch.testing.assert_close(posterior.mean, mean, atol=1e-10, rtol=0)
    torch.testing.assert_close(posterior.log_var, log_var, atol=1e-10, rtol=0)


@pytest.mark.parametrize("name", ["enas_macro", "nasbench101", "nasbench201"])
def test_isomorphic_graphs_get_equal_latents(name: str) -> None:
    model = small_gin(name)
    graphs = pack(samples(name, 200), model.vocabulary)
    with torch.no_grad():
        one, two = model.encode(graphs), model.encode(relabelled(graphs, np.random.default_rng(1)))
    scale = max(1.0, float(one.mean.abs().max()))
    assert (one.mean - two.mean).abs().max() < 1e-5 * scale


def test_a_graph_is_encoded_alike_alone_and_among_larger_ones() -> None:
    autoencoder = GraphAutoencoder(small_gin("nasbench101"), get_space("nasbench101"), torch.device("cpu"))
    architectures = [Architecture("nasbench101", ("input", "output"), ((0, 1),)), *samples("nasbench101", 10)]
    together = autoencoder.encode(architectures)
    for row, architecture in enumerate(architectures):
        torch.testing.assert_close(autoencoder.encode([architecture]).mean[0], together.mean[row], atol=1e-4, rtol=1e-5)


def test_it_decodes_validly_and_its_loss_has_gradients_everywhere() -> None:
    model, space = small_gin("nasbench101"), get_space("nasbench101")
    losses = model(pack(samples("nasbench101", 30), model.vocabulary), torch.Generator().manual_seed(0))
    losses.total.backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    autoencoder = GraphAutoencoder(model, space, torch.device("cpu"))
    latents = torch.randn(100, SMALL_GIN.latent_size, generator=torch.Generator().manual_seed(0))
    for architecture in autoencoder.decode(latents, torch.Generator().manual_seed(1)):
        space.validate(architecture)
