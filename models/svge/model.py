"""SVGe: encoder and decoder of one space, and the objective they are trained on."""

from collections.abc import Sequence

import torch
from torch import nn

from models.svge.config import SVGeConfig
from models.svge.decoder import Decoder
from models.svge.encoder import Encoder, Posterior
from models.svge.objective import Losses, elbo_loss, sample_posterior
from models.svge.packing import PackedGraphs


class SVGe(nn.Module):
    """The variational graph autoencoder of "Smooth Variational Graph Embeddings for Efficient Neural Architecture Search".

    `vocabulary` lists the labels, `input` and `output` first; a label's index is its type.
    """

    def __init__(self, config: SVGeConfig, vocabulary: Sequence[str]) -> None:
        super().__init__()
        self.config = config
        self.vocabulary = tuple(vocabulary)
        self.encoder = Encoder(config, len(vocabulary))
        self.decoder = Decoder(config, len(vocabulary))

    def forward(self, graphs: PackedGraphs, generator: torch.Generator | None = None) -> Losses:
        """The losses of a batch whose latents are sampled from the posterior with noise from `generator`."""
        posterior: Posterior = self.encoder(graphs)
        posterior = Posterior(posterior.mean.float(), posterior.log_var.float())
        latent = sample_posterior(posterior, self.config.posterior_noise_scale, generator)
        return elbo_loss(self.decoder, posterior, latent, graphs, self.config.kl_weight)
