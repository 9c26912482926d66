"""The encoder: from a graph to the mean and log-variance of its posterior (Section 3.1, Eqs. 2 to 6)."""

from typing import NamedTuple

from torch import Tensor, nn

from models.svge.config import SVGeConfig
from models.svge.message_passing import GatedSum, MessageRound
from models.svge.packing import PackedGraphs


class Posterior(NamedTuple):
    """The approximate posterior of each graph: mean and log-variance, each `b x latent_size`, one graph a row."""

    mean: Tensor
    log_var: Tensor


class Encoder(nn.Module):
    """Node types are looked up, `num_rounds` rounds of one shared message network pass, two readouts give the posterior.

    The second readout is the log-variance: the diagonal of the covariance must be positive.
    """

    def __init__(self, config: SVGeConfig, num_types: int) -> None:
        super().__init__()
        self.num_rounds = config.num_rounds
        self.embedding = nn.Embedding(num_types, config.node_size)
        self.round = MessageRound(config.node_size, config.message_size)
        self.mean = GatedSum(config.node_size, config.hidden_size, config.latent_size)
        self.log_var = GatedSum(config.node_size, config.hidden_size, config.latent_size)

    def forward(self, graphs: PackedGraphs) -> Posterior:
        states = self.round.first(self.embedding.weight, graphs.types, graphs.adjacency)  # b x n x node_size
        for _ in range(self.num_rounds - 1):
            states = self.round(states, graphs.adjacency)
        return Posterior(self.mean(states, graphs.mask), self.log_var(states, graphs.mask))
