"""Rounds of bidirectional message passing over dense batches (Eqs. 2, 3 and 5) and the gated-sum readout (Eqs. 4 and 6).

A message network on `concat(h_u, h_v)` with one hidden layer is `W2 relu(A h_u + B h_v + c) + d`. The products with A and B cost
one row a node, and because W2 is linear the sum over neighbours moves inside it, so an edge costs one addition and one ReLU.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.svge.gated_unit import gated_update
from models.svge.neighbour_sum import sum_hidden_messages

MOST_COUNTED_TYPES = 16
"""With more types, counting pairs of them costs more than a message for each node."""


class MessageRound(nn.Module):
    """One round: messages along and against the edges, summed (Eq. 5), then one gated recurrent unit (Eq. 3)."""

    def __init__(self, node_size: int, message_size: int) -> None:
        super().__init__()
        self.ends = nn.Linear(node_size, 4 * message_size)
        """A and B of the forward messages, then of the reverse ones; c is in the bias of the two B."""
        self.along = nn.Linear(message_size, message_size)
        self.against = nn.Linear(message_size, message_size)
        self.from_message = nn.Linear(message_size, 3 * node_size)
        self.from_state = nn.Linear(node_size, 3 * node_size)

    def forward(self, states: Tensor, adjacency: Tensor) -> Tensor:
        """The new states of all nodes. `states`: `b x n x node_size`; `adjacency`: `b x n x n`, row to column."""
        hidden = sum_hidden_messages(self.ends(states), adjacency)  # b x n x 2 message_size
        # As many biases as messages: the degrees are two inputs more of the one product.
        degrees = torch.stack([adjacency.sum(dim=1), adjacency.sum(dim=2)], dim=-1).to(hidden.dtype)  # b x n x 2
        weights = [self.along.weight, self.against.weight, self.along.bias.unsqueeze(1), self.against.bias.unsqueeze(1)]
        summed = functional.linear(torch.cat([hidden, degrees], dim=-1), torch.cat(weights, dim=1))  # b x n x message_size
        return gated_update(self.from_message(summed), self.from_state(states), states)

    def first(self, by_type: Tensor, types: Tensor, adjacency: Tensor) -> Tensor:
        """The new states of nodes whose old one is that of their type. `by_type`: `T x node_size`; `types`: `b x n`.

        Such a node's message is a sum over pairs of types, so that with few types the network runs once a pair and the nodes only
        count.
        """
        num_types, states = len(by_type), functional.embedding(types, by_type)  # states: b x n x node_size
        if num_types > MOST_COUNTED_TYPES:
            return self.forward(states, adjacency)
        sender, receiver, back_sender, back_receiver = self.ends(by_type).chunk(4, dim=-1)
        heard = self.along(torch.relu(receiver.unsqueeze(1) + sender))  # receiving type x sending type x message_size
        heard_back = self.against(torch.relu(back_receiver.unsqueeze(1) + back_sender))
        messages = torch.cat([heard, heard_back], dim=1).flatten(0, 1)  # 2 T T x message_size
        of_type = functional.one_hot(types, num_types).to(adjacency.dtype)  # b x n x T
        neighbours = torch.cat([adjacency.transpose(1, 2) @ of_type, adjacency @ of_type], dim=-1)  # b x n x 2 T
        counts = (of_type.unsqueeze(-1) * neighbours.unsqueeze(-2)).flatten(2)  # b x n x 2 T T
        by_pair = functional.linear(messages, self.from_message.weight)  # 2 T T x 3 node_size
        from_message = functional.linear(counts, by_pair.T, self.from_message.bias)
        return gated_update(from_message, functional.embedding(types, self.from_state(by_type)), states)


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
