"""The paper's GIN: SVGe's decoder behind a graph isomorphism network (Appendix D.1, Table 4)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch_geometric.nn.dense import DenseGINConv

from models.baselines.config import GinConfig
from models.svge.decoder import Decoder
from models.svge.encoder import Posterior
from models.svge.graph_model import GraphModel
from models.svge.objective import Losses, elbo_loss
from models.svge.packing import PackedGraphs
from models.svge.sampling import Rule, SampledGraphs, sample_graphs


class GinEncoder(nn.Module):
    """PyTorch Geometric's GINConv on dense batches, each layer a two-layer ReLU network with an epsilon of 0 that is not trained.

    Xu et al., "How powerful are graph neural networks?" (2019), define it for undirected graphs, so that a node hears its
    predecessors and its successors alike; the labels `input` and `output` alone say which way a graph points. The readout is
    theirs too (Eq. 4.2): the sums over the nodes after every layer, side by side, from which one linear layer makes the mean
    and the log-variance. Their batch normalisation is left out, because a posterior must not depend on its batch.
    """

    def __init__(self, config: GinConfig, num_types: int) -> None:
        super().__init__()
        size = config.gin_size
        self.embedding = nn.Embedding(num_types, size)
        self.layers = nn.ModuleList(
            DenseGINConv(nn.Sequential(nn.Linear(size, size), nn.ReLU(), nn.Linear(size, size))) for _ in range(config.num_layers)
        )
        self.posterior = nn.Linear((config.num_layers + 1) * size, 2 * config.latent_size)

    def forward(self, graphs: PackedGraphs) -> Posterior:
        neighbours = graphs.adjacency + graphs.adjacency.transpose(1, 2)
        states = self.embedding(graphs.types)  # b x n x gin_size
        sums = [_sum_of_nodes(states, graphs.mask)]
        for layer in self.layers:
            states = torch.relu(layer(states, neighbours))
            sums.append(_sum_of_nodes(states, graphs.mask))
        return Posterior(*self.posterior(torch.cat(sums, dim=1)).chunk(2, dim=1))


class Gin(GraphModel):
    """The GIN encoder and SVGe's decoder."""

    reads_any_order = True

    def __init__(self, config: GinConfig, vocabulary: Sequence[str]) -> None:
        super().__init__()
        self.config: GinConfig = config
        self.vocabulary = tuple(vocabulary)
        self.encoder = GinEncoder(config, len(vocabulary))
        self.decoder = Decoder(config.decoder, len(vocabulary))

    def encode(self, graphs: PackedGraphs) -> Posterior:
        posterior: Posterior = self.encoder(graphs)
        return posterior

    def losses(self, posterior: Posterior, latent: Tensor, graphs: PackedGraphs) -> Losses:
        return elbo_loss(self.decoder, posterior, latent, graphs, self.config.kl_weight)

    def sample(self, latent: Tensor, rule: Rule, generator: torch.Generator | None = None) -> SampledGraphs:
        return sample_graphs(self.decoder, latent, rule, generator)


def _sum_of_nodes(states: Tensor, mask: Tensor) -> Tensor:
    return (states * mask.unsqueeze(-1)).sum(dim=1)
