"""The dense form of Eqs. 2 to 6 against the same equations written with PyTorch Geometric's message passing."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch_geometric.data import Batch
from torch_geometric.nn import MessagePassing
from torch_geometric.utils import scatter

from models.spaces.registry import get_space, space_names
from models.svge.config import SVGeConfig
from models.svge.encoder import Encoder
from models.svge.geometric import to_data
from models.svge.message_passing import MOST_COUNTED_TYPES, MessageRound
from models.svge.packing import pack

CONFIG = SVGeConfig(node_size=24, message_size=20, hidden_size=16, latent_size=8)


class SparseMessages(MessagePassing):
    """One direction of Eq. 5 as it is written: a two-layer network on the concatenated states of both ends of each edge."""

    def __init__(self, first: nn.Linear, second: nn.Linear) -> None:
        super().__init__(aggr="add")
        self.first, self.second = first, second

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        return self.propagate(edge_index, x=x)

    def message(self, x_i: Tensor, x_j: Tensor) -> Tensor:
        return self.second(torch.relu(self.first(torch.cat([x_j, x_i], dim=1))))


def sparse_round(layer: MessageRound, states: Tensor, edge_index: Tensor) -> Tensor:
    """The same weights in the modules that a textbook version would use."""
    size, node_size = layer.along.in_features, states.shape[1]
    weights, biases = layer.ends.weight.split(size), layer.ends.bias.split(size)
    directions = []
    for offset, output in ((0, layer.along), (2, layer.against)):
        first = nn.Linear(2 * node_size, size)
        first.weight.data = torch.cat([weights[offset], weights[offset + 1]], dim=1)
        first.bias.data = biases[offset] + biases[offset + 1]
        directions.append(SparseMessages(first, output))
    messages = directions[0](states, edge_index) + directions[1](states, edge_index.flip(0))
    cell = nn.GRUCell(size, node_size)
    cell.weight_ih.data, cell.bias_ih.data = layer.from_message.weight.data, layer.from_message.bias.data
    cell.weight_hh.data, cell.bias_hh.data = layer.from_state.weight.data, layer.from_state.bias.data
    return cell(messages, states)


@pytest.mark.parametrize("name", space_names())
def test_encoder_equals_the_sparse_form(name: str) -> None:
    space = get_space(name)
    rng = np.random.default_rng(3)
    architectures = [space.sample(rng) for _ in range(20)]
    torch.manual_seed(0)
    encoder = Encoder(CONFIG, len(space.vocabulary)).double()
    graphs = pack(architectures, space.vocabulary)
    dense = encoder(graphs._replace(adjacency=graphs.adjacency.double(), mask=graphs.mask.double()))
    batch = Batch.from_data_list([to_data(architecture, space.vocabulary) for architecture in architectures])
    states = encoder.embedding(batch.x.view(-1))
    for _ in range(CONFIG.num_rounds):
        states = sparse_round(encoder.round, states, batch.edge_index)
    for readout, result in ((encoder.mean, dense.mean), (encoder.log_var, dense.log_var)):
        gate_hidden, value_hidden = torch.relu(readout.hidden(states)).chunk(2, dim=1)
        nodes = torch.sigmoid(readout.gate(gate_hidden)) * readout.value(value_hidden)
        torch.testing.assert_close(result, scatter(nodes, batch.batch, reduce="sum"), atol=1e-10, rtol=0)


@pytest.mark.parametrize("num_types", [5, MOST_COUNTED_TYPES + 1])
def test_the_first_round_by_types_is_a_round(num_types: int) -> None:
    torch.manual_seed(0)
    layer = MessageRound(8, 6).double()
    types = torch.randint(num_types, (7, 6))
    adjacency = (torch.rand(7, 6, 6) < 0.5).triu(1).double()
    results = []
    for way in (lambda table: layer.first(table, types, adjacency), lambda table: layer(table[types], adjacency)):
        table = torch.linspace(-1, 1, num_types * 8, dtype=torch.float64).sin().view(num_types, 8).requires_grad_()
        states = way(table)
        results.append((states, *torch.autograd.grad(states.square().sum(), [table, *layer.parameters()])))
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-10, rtol=0)


def test_gradients_of_a_round_are_right() -> None:
    torch.manual_seed(0)
    layer = MessageRound(4, 3).double()
    states = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    adjacency = torch.tensor([[[0, 1, 1], [0, 0, 1], [0, 0, 0]], [[0, 1, 0], [0, 0, 0], [0, 0, 0]]], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: layer(x, adjacency), (states,))
