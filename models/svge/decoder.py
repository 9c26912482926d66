"""The decoder's modules and one step of Algorithm 1, shared by teacher-forced training and by sampling (Section 3.2).

What the next node and edges are is decided elsewhere: the ground truth in `objective.py`, sampling in `sampling.py`.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.svge.config import SVGeConfig
from models.svge.message_passing import GatedSum, MessageRound


class PartialGraphs(NamedTuple):
    """A batch of graphs under construction, all with the same number t of nodes.

    `states`: `b x t x node_size`, the node embeddings; `summary`: `b x latent_size`, the graph embedding.
    """

    states: Tensor
    summary: Tensor


class LatentTerms(NamedTuple):
    """The products of z with the first layers of the three networks, the same in every step: each `b x hidden_size`."""

    add_node: Tensor
    init_node: Tensor
    add_edges: Tensor


class Decoder(nn.Module):
    """`add_node`, `init_node`, `add_edges` and `propagate` with their own weights, independent of the encoder's."""

    def __init__(self, config: SVGeConfig, num_types: int) -> None:
        super().__init__()
        node, hidden, latent = config.node_size, config.hidden_size, config.latent_size
        self.num_rounds = config.num_rounds
        self.embedding = nn.Embedding(num_types, node)
        self.round = MessageRound(node, config.message_size)
        self.readout = GatedSum(node, hidden, latent)
        self.latent_terms = nn.Linear(latent, 3 * hidden)
        self.summary_terms = nn.Linear(latent, 3 * hidden, bias=False)
        self.init_type = nn.Linear(node, hidden, bias=False)
        self.init_output = nn.Linear(hidden, node)
        self.node_output = nn.Linear(hidden, num_types)
        self.edge_ends = nn.Linear(node, hidden, bias=False)
        self.edge_new = nn.Linear(node, hidden, bias=False)
        self.edge_output = nn.Linear(hidden, 1)

    def start(self, latent: Tensor) -> tuple[PartialGraphs, LatentTerms]:
        """The graphs that hold the input node only (Algorithm 1, lines 1 to 5). `latent`: `b x latent_size`.

        Line 4 leaves the first graph embedding open; here it is the readout of the input node.
        """
        terms = LatentTerms(*self.latent_terms(latent).chunk(3, dim=-1))
        type_embedding = self.embedding.weight[:1].expand(len(latent), -1)
        state = self.init_output(torch.relu(terms.init_node + self.init_type(type_embedding)))
        states = state.unsqueeze(1)  # b x 1 x node_size
        return PartialGraphs(states, self.readout(states, states.new_ones(states.shape[:2]))), terms

    def summary_products(self, summary: Tensor, terms: LatentTerms) -> LatentTerms:
        """The first layers' terms in z and the graph embedding together; they are fixed while one node is added."""
        return LatentTerms(*(term + part for term, part in zip(terms, self.summary_terms(summary).chunk(3, dim=-1), strict=True)))

    def node_logits(self, terms: LatentTerms) -> Tensor:
        """The scores of the new node's type (Eqs. 8 and 9): `b x num_types`."""
        scores: Tensor = self.node_output(torch.relu(terms.add_node))
        return scores

    def new_state(self, terms: LatentTerms, types: Tensor) -> Tensor:
        """The first embedding of the new nodes (Eq. 10). `types`: `b`; returns `b x node_size`."""
        state: Tensor = self.init_output(torch.relu(terms.init_node + self.init_type(self.embedding(types))))
        return state

    def edge_logits(self, terms: LatentTerms, states: Tensor, new_state: Tensor) -> Tensor:
        """The scores of an edge from each earlier node to the new one (Eqs. 11 and 12): `b x t`."""
        common = terms.add_edges + self.edge_new(new_state)
        return edge_scores(self.edge_ends(states), common, self.edge_output.weight, self.edge_output.bias)

    def propagate(self, states: Tensor, adjacency: Tensor, mask: Tensor) -> PartialGraphs:
        """New node embeddings and the graph embedding (Eq. 7). `adjacency`: `b x t x t`; `mask`: `b x t`."""
        for _ in range(self.num_rounds):
            states = self.round(states, adjacency)
        return PartialGraphs(states, self.readout(states, mask))


def edge_scores(ends: Tensor, common: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The last layer of the edge network for all pairs. `ends`: `b x t x hidden`; `common`: `b x hidden`; returns `b x t`."""
    return functional.linear(torch.relu(ends + common.unsqueeze(1)), weight, bias).squeeze(-1)
