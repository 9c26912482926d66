"""D-VAE's asynchronous message passing: a node takes its state once, when all its predecessors have theirs.

Zhang et al., "D-VAE: A variational autoencoder for directed acyclic graphs" (2019), Section 3.3, over dense batches.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.svge.gated_unit import gated_update
from models.svge.packing import PackedGraphs


class AsynchronousUnit(nn.Module):
    """The recurrent unit over node types whose hidden input is the gated sum of the predecessors' states.

    The unit's product with that sum is linear, so it is made once for each predecessor's message and summed with it: an edge
    costs an addition.
    """

    def __init__(self, num_types: int, state_size: int, num_vertex_ids: int) -> None:
        super().__init__()
        self.state_size, self.num_vertex_ids = state_size, num_vertex_ids
        self.cell = nn.GRUCell(num_types, state_size)
        self.gate = nn.Linear(state_size + num_vertex_ids, state_size)
        self.value = nn.Linear(state_size + num_vertex_ids, state_size, bias=False)

    def message(self, states: Tensor, place: int) -> Tensor:
        """What nodes at `place` send: `sigmoid(gate(h)) * value(h)`, h with the one-hot place. `states`, result: `b x state_size`.

        A place beyond the last vertex id has none.
        """
        gate_weight, value_weight = self.gate.weight, self.value.weight
        gate = functional.linear(states, gate_weight[:, : self.state_size], self.gate.bias)
        value = functional.linear(states, value_weight[:, : self.state_size])
        if place < self.num_vertex_ids:
            gate = gate + gate_weight[:, self.state_size + place]
            value = value + value_weight[:, self.state_size + place]
        return torch.sigmoid(gate) * value

    def product(self, messages: Tensor) -> Tensor:
        """The unit's linear map of messages or of their sum, without bias: `... x state_size` to `... x 3 state_size`."""
        return functional.linear(messages, self.cell.weight_hh)

    def type_terms(self, types: Tensor) -> Tensor:
        """The unit's linear map of the one-hot types, with its bias: `...` to `... x 3 state_size`."""
        return functional.embedding(types, self.cell.weight_ih.t()) + self.cell.bias_ih

    def update(self, type_terms: Tensor, product: Tensor, summed: Tensor) -> Tensor:
        """The states of nodes with these types, summed messages, and the product of the latter: `... x state_size`."""
        return gated_update(type_terms, product + self.cell.bias_hh, summed)


def final_state(unit: AsynchronousUnit, types: Tensor, adjacency: Tensor, places: Sequence[int], last: Tensor) -> Tensor:
    """The states of the nodes `last` (`b`) after all nodes took theirs in the order given: `b x state_size`.

    `types`: `b x n`; `adjacency`: `b x n x n`, from a node to a later one; `places[i]` is the vertex id of node i.
    """
    terms = unit.type_terms(types)
    zero = terms.new_zeros(len(types), unit.state_size)
    states = [unit.update(terms[:, 0], unit.product(zero), zero)]
    messages: list[Tensor] = []
    for node in range(1, types.shape[1]):
        messages.append(unit.message(states[-1], places[node - 1]))
        summed = weighted_sum(adjacency[:, :node, node], torch.stack(messages, dim=1))
        states.append(unit.update(terms[:, node], unit.product(summed), summed))
    return torch.stack(states, dim=1)[torch.arange(len(types), device=types.device), last]


def weighted_sum(weights: Tensor, rows: Tensor) -> Tensor:
    """`b x t` weights of the rows of `b x t x h`: their sum, `b x h`."""
    return torch.bmm(weights.to(rows.dtype).unsqueeze(1), rows).squeeze(1)


class AsynchronousEncoder(nn.Module):
    """Two passes, from the input along the edges and from the output against them, joined into one graph state (Section 3.4).

    The graph's state is linear in the output's state of the first pass and the input's state of the second.
    """

    def __init__(self, num_types: int, state_size: int, num_vertex_ids: int) -> None:
        super().__init__()
        self.along = AsynchronousUnit(num_types, state_size, num_vertex_ids)
        self.against = AsynchronousUnit(num_types, state_size, num_vertex_ids)
        self.unify = nn.Linear(2 * state_size, state_size)

    def forward(self, graphs: PackedGraphs) -> Tensor:
        """`b x state_size`."""
        n = graphs.types.shape[1]
        output = graphs.mask.sum(dim=1).long() - 1
        along = final_state(self.along, graphs.types, graphs.adjacency, range(n), output)
        reverse = graphs.adjacency.transpose(1, 2).flip(1, 2)
        first = torch.full_like(output, n - 1)
        against = final_state(self.against, graphs.types.flip(1), reverse, range(n)[::-1], first)
        state: Tensor = self.unify(torch.cat([along, against], dim=1))
        return state
