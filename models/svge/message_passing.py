"""Rounds of bidirectional message passing over dense batches (Eqs. 2, 3 and 5) and the gated-sum readout (Eqs. 4 and 6).

A message network on `concat(h_u, h_v)` with one hidden layer is `W2 relu(A h_u + B h_v + c) + d`. The products with A and B cost
one row a node, and because W2 is linear the sum over neighbours moves inside it, so an edge costs one addition and one ReLU.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

_BLOCK = 1e6


class NodeProducts(NamedTuple):
    """The products of node states with the layers of a round: `... x 4 message_size` and `... x 3 node_size`."""

    ends: Tensor
    from_state: Tensor


class MessageRound(nn.Module):
    """One round: messages along and against the edges, summed (Eq. 5), then one gated recurrent unit (Eq. 3)."""

    def __init__(self, node_size: int, message_size: int) -> None:
        super().__init__()
        self.message_size = message_size
        self.ends = nn.Linear(node_size, 4 * message_size)
        """A and B of the forward messages, then of the reverse ones; c is in the bias of the two B."""
        self.along = nn.Linear(message_size, message_size)
        self.against = nn.Linear(message_size, message_size)
        self.from_message = nn.Linear(message_size, 3 * node_size)
        self.from_state = nn.Linear(node_size, 3 * node_size)

    def forward(self, states: Tensor, adjacency: Tensor) -> Tensor:
        """The new states of all nodes. `states`: `b x n x node_size`; `adjacency`: `b x n x n`, row to column."""
        return self.update(self.products(states), states, adjacency)

    def products(self, states: Tensor) -> NodeProducts:
        """What a round computes of each state by itself. `states`: `... x node_size`."""
        return NodeProducts(self.ends(states), self.from_state(states))

    def update(self, products: NodeProducts, states: Tensor, adjacency: Tensor) -> Tensor:
        """The new states, given the products of the old ones."""
        sender, receiver, back_sender, back_receiver = products.ends.chunk(4, dim=-1)
        inward, outward = adjacency.transpose(1, 2), adjacency  # b x receiver x sender
        degree_in, degree_out = inward.sum(-1, keepdim=True), outward.sum(-1, keepdim=True)  # b x n x 1
        summed = functional.linear(sum_hidden_messages(sender, receiver, inward), self.along.weight)
        summed = summed + functional.linear(sum_hidden_messages(back_sender, back_receiver, outward), self.against.weight)
        summed = summed + degree_in * self.along.bias + degree_out * self.against.bias  # b x n x message_size
        return gated_update(self.from_message(summed), products.from_state, states)


def sum_hidden_messages(sender: Tensor, receiver: Tensor, neighbours: Tensor) -> Tensor:
    """The sum of `relu(sender[u] + receiver[v])` over the neighbours u of every node v.

    `sender`, `receiver`: `b x n x h`; `neighbours`: `b x n x n`, receiver by sender, 0 or 1; returns `b x n x h`.
    """
    # A large negative number before the ReLU masks as well as a product after it, and costs one pass less in each direction.
    blocked = ((neighbours - 1.0) * _BLOCK).to(sender.dtype)
    hidden = receiver.unsqueeze(2) + sender.unsqueeze(1)  # b x receiver x sender x h
    return hidden.add_(blocked.unsqueeze(-1)).relu_().sum(dim=2)


def gated_update(from_message: Tensor, from_state: Tensor, states: Tensor) -> Tensor:
    """The gated recurrent unit of Chung et al. (2014) from its two pre-activations, each `b x n x 3 node_size`."""
    reset_message, update_message, new_message = from_message.chunk(3, dim=-1)
    reset_state, update_state, new_state = from_state.chunk(3, dim=-1)
    reset = torch.sigmoid(reset_message + reset_state)
    update = torch.sigmoid(update_message + update_state)
    new = torch.tanh(new_message + reset * new_state)
    return new + update * (states - new)


class GatedSum(nn.Module):
    """One vector a graph: the sum over its nodes of `sigmoid(gate(h)) * value(h)`, gate and value two-layer networks (Eq. 6)."""

    def __init__(self, node_size: int, hidden_size: int, graph_size: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(node_size, 2 * hidden_size)
        self.gate = nn.Linear(hidden_size, graph_size)
        self.value = nn.Linear(hidden_size, graph_size)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """`states`: `b x n x node_size`; `mask`: `b x n`; returns `b x graph_size`."""
        gate, value = torch.relu(self.hidden(states)).chunk(2, dim=-1)
        nodes: Tensor = torch.sigmoid(self.gate(gate)) * self.value(value) * mask.unsqueeze(-1)
        return nodes.sum(dim=1)
