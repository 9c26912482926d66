"""D-VAE's decoder: nodes one by one, each node's incoming edges one by one from the nearest earlier node, under teacher forcing.

Zhang et al. (2019), Section 3.5. Decoding without the truth is `dvae_sampling.py`.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.baselines.asynchronous import AsynchronousUnit
from models.svge.packing import PackedGraphs


class KnownNodes(NamedTuple):
    """What later nodes need of the t nodes that have their states.

    `state`: of the last node, `b x state_size`; `messages`: `b x t x state_size`; `products`: the unit's map of the messages,
    `b x t x 3 state_size`; `ends`: each node's share of the edge network's hidden layer, `b x t x 4 state_size`.
    """

    state: Tensor
    messages: Tensor
    products: Tensor
    ends: Tensor


class DvaeDecoder(nn.Module):
    """The latent sets the input node's state; a node's type is scored from the state of the node before it, and an edge from
    the states of its two ends, the new node's being renewed after every edge that is decided.
    """

    def __init__(self, num_types: int, state_size: int, latent_size: int, num_vertex_ids: int) -> None:
        super().__init__()
        self.unit = AsynchronousUnit(num_types, state_size, num_vertex_ids)
        self.first = nn.Linear(latent_size, state_size)
        self.node = nn.Sequential(nn.Linear(state_size, 2 * state_size), nn.ReLU(), nn.Linear(2 * state_size, num_types))
        self.edge_ends = nn.Linear(state_size, 4 * state_size)
        self.edge_new = nn.Linear(state_size, 4 * state_size, bias=False)
        self.edge_output = nn.Linear(4 * state_size, 1)

    def start(self, latent: Tensor) -> KnownNodes:
        """The graphs that hold the input node only. `latent`: `b x latent_size`."""
        summed = torch.tanh(self.first(latent))
        types = torch.zeros(len(latent), dtype=torch.long, device=latent.device)
        state = self.unit.update(self.unit.type_terms(types), self.unit.product(summed), summed)
        return KnownNodes(state, *(part.unsqueeze(1) for part in self._of_node(state, 0)))

    def add(self, known: KnownNodes, state: Tensor) -> KnownNodes:
        """The graphs with one more node, whose state is final. `state`: `b x state_size`."""
        parts = self._of_node(state, known.messages.shape[1])
        joined = (torch.cat([old, new.unsqueeze(1)], dim=1) for old, new in zip(known[1:], parts, strict=True))
        return KnownNodes(state, *joined)

    def _of_node(self, state: Tensor, place: int) -> tuple[Tensor, Tensor, Tensor]:
        message = self.unit.message(state, place)
        return message, self.unit.product(message), self.edge_ends(state)

    def edge_logits(self, ends: Tensor, new_states: Tensor) -> Tensor:
        """The scores of edges. `ends`: `... x 4 state_size`; `new_states`: `... x state_size`; returns `...`."""
        scores: Tensor = self.edge_output(torch.relu(ends + self.edge_new(new_states))).squeeze(-1)
        return scores

    def states_in_turn(self, known: KnownNodes, type_terms: Tensor, edges: Tensor) -> Tensor:
        """The new node's state when its edges from nodes k and later are decided, for k = 0 .. t: `b x (t + 1) x state_size`.

        `type_terms`: `b x 3 state_size`; `edges`: `b x t`.
        """
        t = edges.shape[1]
        decided = torch.ones(t + 1, t, dtype=edges.dtype, device=edges.device).triu()
        weights = (edges.unsqueeze(1) * decided).to(known.messages.dtype)  # b x (t + 1) x t
        summed, products = torch.bmm(weights, known.messages), torch.bmm(weights, known.products)
        return self.unit.update(type_terms.unsqueeze(1), products, summed)

    def reconstruction(self, latent: Tensor, graphs: PackedGraphs) -> tuple[Tensor, Tensor]:
        """The negative log-likelihood of the graphs given their latents, split into nodes and edges, each `b`, in nats.

        Unlike the published code, which scores a padding type after a graph's end, this counts a graph's own nodes only: the
        output node ends it.
        """
        known = self.start(latent)
        terms = self.unit.type_terms(graphs.types)
        nodes, edges = latent.new_zeros(len(latent)), latent.new_zeros(len(latent))
        for step in range(1, graphs.types.shape[1]):
            present, truth = graphs.mask[:, step], graphs.adjacency[:, :step, step]
            node_loss = functional.cross_entropy(self.node(known.state).float(), graphs.types[:, step], reduction="none")
            nodes = nodes + node_loss * present
            states = self.states_in_turn(known, terms[:, step], truth)
            scores = self.edge_logits(known.ends, states[:, 1:]).float()
            edge_loss = functional.binary_cross_entropy_with_logits(scores, truth, reduction="none")
            edges = edges + edge_loss.sum(dim=1) * present
            known = self.add(known, states[:, 0])
        return nodes, edges
