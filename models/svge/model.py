"""SVGe: encoder and decoder of one space, and the objective they are trained on."""

from collections.abc import Sequence

import torch
from torch import Tensor

from models.svge.config import SVGeConfig
from models.svge.decoder import Decoder
from models.svge.encoder import Encoder, Posterior
from models.svge.graph_model import GraphModel
from models.svge.objective import Losses, elbo_loss
from models.svge.packing import PackedGraphs
from models.svge.sampling import Rule, SampledGraphs, sample_graphs


class SVGe(GraphModel):
    """The variational graph autoencoder of "Smooth Variational Graph Embeddings for Efficient Neural Architecture Search"."""

    reads_any_order = True
    exact_in_bfloat16 = True
    never_waits = True

    def __init__(self, config: SVGeConfig, vocabulary: Sequence[str]) -> None:
        super().__init__()
        self.config: SVGeConfig = config
        self.vocabulary = tuple(vocabulary)
        self.encoder = Encoder(config, len(vocabulary))
        self.decoder = Decoder(config, len(vocabulary))

    def encode(self, graphs: PackedGraphs) -> Posterior:
        posterior: Posterior = self.encoder(graphs)
        return posterior

    def losses(self, posterior: Posterior, latent: Tensor, graphs: PackedGraphs) -> Losses:
        return elbo_loss(self.decoder, posterior, latent, graphs, self.config.kl_weight)

    def sample(self, latent: Tensor, rule: Rule, generator: torch.Generator | None = None) -> SampledGraphs:
        return sample_graphs(self.decoder, latent, rule, generator)
