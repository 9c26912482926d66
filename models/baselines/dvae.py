"""The D-VAE baseline: asynchronous encoder and decoder behind the interface of all graph autoencoders.

Zhang et al., "D-VAE: A variational autoencoder for directed acyclic graphs" (2019); paper Section 4 and Appendix D compare to it.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.baselines.asynchronous import AsynchronousEncoder
from models.baselines.config import DvaeConfig
from models.baselines.dvae_decoder import DvaeDecoder
from models.baselines.dvae_sampling import sample_dvae
from models.svge.encoder import Posterior
from models.svge.graph_model import GraphModel
from models.svge.objective import Losses, kl_divergence
from models.svge.packing import PackedGraphs
from models.svge.sampling import Rule, SampledGraphs


class Dvae(GraphModel):
    """Encodes along the topological order in both directions; decodes nodes and edges one by one.

    An edge is scored from the states of its ends alone, so the decoder takes two nodes of equal labels and predecessors for one,
    and decides two new nodes of one label alike until their edges differ. Where such nodes are common (NAS-Bench-101) it cannot
    reconstruct every graph; where each node follows the one before it (ENAS) there are none.

    The published code uses the gates of its encoder's first pass in the decoder too; here every pass has its own.
    """

    def __init__(self, config: DvaeConfig, vocabulary: Sequence[str]) -> None:
        super().__init__()
        self.config: DvaeConfig = config
        self.vocabulary = tuple(vocabulary)
        num_types, state, ids = len(vocabulary), config.state_size, config.num_vertex_ids
        self.encoder = AsynchronousEncoder(num_types, state, ids)
        self.mean = nn.Linear(state, config.latent_size)
        self.log_var = nn.Linear(state, config.latent_size)
        self.decoder = DvaeDecoder(num_types, state, config.latent_size, ids)

    def encode(self, graphs: PackedGraphs) -> Posterior:
        state = self.encoder(graphs)
        return Posterior(self.mean(state), self.log_var(state))

    def losses(self, posterior: Posterior, latent: Tensor, graphs: PackedGraphs) -> Losses:
        nodes, edges = self.decoder.reconstruction(latent, graphs)
        kl = kl_divergence(posterior)
        total = nodes + edges + self.config.kl_weight * kl
        return Losses(total.mean(), nodes.mean(), edges.mean(), kl.mean())

    def sample(self, latent: Tensor, rule: Rule, generator: torch.Generator | None = None) -> SampledGraphs:
        return sample_dvae(self.decoder, latent, rule, generator)
