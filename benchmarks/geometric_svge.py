"""SVGe's Eqs. 2 to 15 written straightforwardly in PyTorch Geometric: what the dense form of `models/svge` is compared with.

Each equation is the module that the paper describes: networks on concatenated inputs, one message an edge, sums by scatter. In
training a batch grows one node at a time through batches of the graphs' first t nodes, which are cut out once before training.
The weights go to and from an `SVGe` by `geometric_weights.py`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.data import Batch, Data
from torch_geometric.nn import MessagePassing, global_add_pool
from torch_geometric.utils import subgraph

from models.svge.config import SVGeConfig
from models.svge.encoder import Posterior
from models.svge.objective import Losses, kl_divergence, sample_posterior

INPUT_TYPE = 0
OUTPUT_TYPE = 1


class Prepared(NamedTuple):
    """A training graph and what the decoder is shown of it: for each t the first t nodes, `new_type` and `new_edges` of node t."""

    graph: Data
    prefixes: list[Data]


class Step(NamedTuple):
    """The graphs of a batch that get a node in this step: their places in the batch (`m`), and their prefixes of t nodes."""

    rows: Tensor
    prefixes: Batch


class TrainingBatch(NamedTuple):
    """Whole graphs for the encoder, and the steps of the decoder, t = 1, 2, ..."""

    graphs: Batch
    steps: list[Step]


def prepare(graph: Data) -> Prepared:
    """Cut a graph in topological order (`x`: the type of each node) into its prefixes. Done once a graph, as published."""
    sources, targets = graph.edge_index
    prefixes = []
    for t in range(1, graph.num_nodes):
        edge_index, _ = subgraph(torch.arange(t), graph.edge_index, num_nodes=graph.num_nodes)
        new_edges = torch.zeros(t)
        new_edges[sources[targets == t]] = 1.0
        prefixes.append(Data(edge_index=edge_index, num_nodes=t, new_type=graph.x[t : t + 1], new_edges=new_edges))
    return Prepared(graph, prefixes)


def collate(graphs: Sequence[Prepared]) -> TrainingBatch:
    """The batch of one training step."""
    steps = []
    for place in range(max(len(graph.prefixes) for graph in graphs)):
        rows = [row for row, graph in enumerate(graphs) if len(graph.prefixes) > place]
        prefixes = Batch.from_data_list([graphs[row].prefixes[place] for row in rows])
        steps.append(Step(torch.tensor(rows), prefixes))
    return TrainingBatch(Batch.from_data_list([graph.graph for graph in graphs]), steps)


def two_layers(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """The two-layer network with a ReLU that the paper uses throughout."""
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))


class Messages(MessagePassing):
    """One direction of Eq. 5: for every node the sum over its neighbours of a network on both ends' states."""

    def __init__(self, node_size: int, message_size: int) -> None:
        super().__init__(aggr="add")
        self.network = two_layers(2 * node_size, message_size, message_size)

    def forward(self, states: Tensor, edge_index: Tensor) -> Tensor:
        messages: Tensor = self.propagate(edge_index, x=states)
        return messages

    def message(self, x_i: Tensor, x_j: Tensor) -> Tensor:
        message: Tensor = self.network(torch.cat([x_j, x_i], dim=-1))
        return message


class Round(nn.Module):
    """Messages along and against the edges, summed (Eq. 5), then one gated recurrent unit (Eq. 3)."""

    def __init__(self, node_size: int, message_size: int) -> None:
        super().__init__()
        self.along = Messages(node_size, message_size)
        self.against = Messages(node_size, message_size)
        self.cell = nn.GRUCell(message_size, node_size)

    def forward(self, states: Tensor, edge_index: Tensor) -> Tensor:
        messages = self.along(states, edge_index) + self.against(states, edge_index.flip(0))
        new: Tensor = self.cell(messages, states)
        return new


class Readout(nn.Module):
    """The gated sum over the nodes of each graph (Eqs. 4 and 6)."""

    def __init__(self, node_size: int, hidden_size: int, graph_size: int) -> None:
        super().__init__()
        self.gate = two_layers(node_size, hidden_size, graph_size)
        self.value = two_layers(node_size, hidden_size, graph_size)

    def forward(self, states: Tensor, graph_of_node: Tensor, num_graphs: int) -> Tensor:
        nodes = torch.sigmoid(self.gate(states)) * self.value(states)
        return global_add_pool(nodes, graph_of_node, size=num_graphs)


class Encoder(nn.Module):
    """Eqs. 2 to 6: from graphs to mean and log-variance."""

    def __init__(self, config: SVGeConfig, num_types: int) -> None:
        super().__init__()
        self.num_rounds = config.num_rounds
        self.embedding = nn.Embedding(num_types, config.node_size)
        self.round = Round(config.node_size, config.message_size)
        self.mean = Readout(config.node_size, config.hidden_size, config.latent_size)
        self.log_var = Readout(config.node_size, config.hidden_size, config.latent_size)

    def forward(self, graphs: Batch) -> Posterior:
        states = self.embedding(graphs.x)
        for _ in range(self.num_rounds):
            states = self.round(states, graphs.edge_index)
        size = graphs.num_graphs
        return Posterior(self.mean(states, graphs.batch, size), self.log_var(states, graphs.batch, size))


class Decoder(nn.Module):
    """Eqs. 7 to 12, the modules of Algorithm 1. All graphs that it is given have the same number of nodes, graph after graph."""

    def __init__(self, config: SVGeConfig, num_types: int) -> None:
        super().__init__()
        node, hidden, latent = config.node_size, config.hidden_size, config.latent_size
        self.num_rounds = config.num_rounds
        self.embedding = nn.Embedding(num_types, node)
        self.round = Round(node, config.message_size)
        self.readout = Readout(node, hidden, latent)
        self.add_node = two_layers(2 * latent, hidden, num_types)
        self.init_node = two_layers(2 * latent + node, hidden, node)
        self.add_edges = two_layers(2 * latent + 2 * node, hidden, 1)

    def first_states(self, latent: Tensor) -> Tensor:
        """The states of the input nodes (line 2); there is no graph yet that an embedding could describe."""
        types = torch.full((len(latent),), INPUT_TYPE, device=latent.device)
        return self.new_states(latent, torch.zeros_like(latent), types)

    def propagate(self, states: Tensor, edge_index: Tensor, graph_of_node: Tensor, num_graphs: int) -> tuple[Tensor, Tensor]:
        """New states of the nodes and embeddings of the graphs (Eq. 7); a lone input node keeps its first state."""
        if len(states) > num_graphs:
            for _ in range(self.num_rounds):
                states = self.round(states, edge_index)
        return states, self.readout(states, graph_of_node, num_graphs)

    def node_scores(self, latent: Tensor, summary: Tensor) -> Tensor:
        """Eq. 9."""
        scores: Tensor = self.add_node(torch.cat([latent, summary], dim=-1))
        return scores

    def new_states(self, latent: Tensor, summary: Tensor, types: Tensor) -> Tensor:
        """Eq. 10."""
        states: Tensor = self.init_node(torch.cat([latent, summary, self.embedding(types)], dim=-1))
        return states

    def edge_scores(self, latent: Tensor, summary: Tensor, new: Tensor, states: Tensor, graph_of_node: Tensor) -> Tensor:
        """Eq. 12: one score for each node that there is."""
        graphs = torch.cat([latent, summary, new], dim=-1)[graph_of_node]
        scores: Tensor = self.add_edges(torch.cat([graphs, states], dim=-1)).squeeze(-1)
        return scores

    def append(self, states: Tensor, new: Tensor) -> Tensor:
        """Each graph's new state behind its others (line 18)."""
        return torch.cat([states.view(len(new), -1, states.shape[-1]), new.unsqueeze(1)], dim=1).flatten(0, 1)


class GeometricSVGe(nn.Module):
    """Encoder, decoder, objective and decoding, all on PyTorch Geometric's graphs."""

    def __init__(self, config: SVGeConfig, num_types: int) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config, num_types)
        self.decoder = Decoder(config, num_types)

    def forward(self, batch: TrainingBatch, generator: torch.Generator | None = None) -> Losses:
        """Eq. 15, averaged over the batch."""
        posterior = self.encoder(batch.graphs)
        latent = sample_posterior(posterior, self.config.posterior_noise_scale, generator)
        nodes, edges = self.reconstruction(latent, batch.steps)
        kl = kl_divergence(posterior).mean()
        return Losses(nodes + edges + self.config.kl_weight * kl, nodes, edges, kl)

    def reconstruction(self, latent: Tensor, steps: Sequence[Step]) -> tuple[Tensor, Tensor]:
        """L_V and L_E of Eq. 13 under teacher forcing, averaged over the batch."""
        nodes, edges = latent.new_zeros(()), latent.new_zeros(())
        rows = torch.arange(len(latent))
        states = self.decoder.first_states(latent)
        for rows_now, prefixes in steps:
            still_growing = torch.isin(rows, rows_now)
            states = states.view(len(rows), -1, states.shape[-1])[still_growing].flatten(0, 1)
            rows, z = rows_now, latent[rows_now]
            states, summary = self.decoder.propagate(states, prefixes.edge_index, prefixes.batch, len(rows))
            node_scores = self.decoder.node_scores(z, summary)
            nodes = nodes + functional.cross_entropy(node_scores, prefixes.new_type, reduction="sum")
            new = self.decoder.new_states(z, summary, prefixes.new_type)
            edge_scores = self.decoder.edge_scores(z, summary, new, states, prefixes.batch)
            edges = edges + functional.binary_cross_entropy_with_logits(edge_scores, prefixes.new_edges, reduction="sum")
            states = self.decoder.append(states, new)
        return nodes / len(latent), edges / len(latent)

    @torch.inference_mode()
    def decode(self, latent: Tensor, max_nodes: int, generator: torch.Generator | None = None) -> list[Data]:
        """Algorithm 1 for each row of `latent`: sampled with a generator, greedy without.

        A graph ends with its output node; one that has none has `max_nodes` nodes. All go on until the last one ends, so that
        one row alone does no more than its own graph needs.
        """
        size = len(latent)
        edge_index = torch.empty(2, 0, dtype=torch.long)
        types = torch.full((size, 1), INPUT_TYPE)
        states = self.decoder.first_states(latent)
        for t in range(1, max_nodes):
            graph_of_node = torch.arange(size).repeat_interleave(t)
            states, summary = self.decoder.propagate(states, edge_index, graph_of_node, size)
            new_types = pick_types(self.decoder.node_scores(latent, summary), generator)
            new = self.decoder.new_states(latent, summary, new_types)
            chosen = pick_edges(self.decoder.edge_scores(latent, summary, new, states, graph_of_node), generator)
            states = self.decoder.append(states, new)
            types = torch.cat([types, new_types.unsqueeze(1)], dim=1)
            graphs, sources = chosen.view(size, t).nonzero(as_tuple=True)
            new_edges = torch.stack([graphs * (t + 1) + sources, graphs * (t + 1) + t])
            # Every graph before a node's own has got a node, which moves the node's number by as many.
            edge_index = torch.cat([edge_index + edge_index // t, new_edges], dim=1)
            if bool((types == OUTPUT_TYPE).any(dim=1).all()):
                break
        return unbatch(types, edge_index)


def pick_types(scores: Tensor, generator: torch.Generator | None) -> Tensor:
    """Eq. 8, or the likeliest type. `scores`: `b x num_types`."""
    if generator is None:
        return scores.argmax(dim=1)
    return torch.multinomial(scores.softmax(dim=1), 1, generator=generator).squeeze(1)


def pick_edges(scores: Tensor, generator: torch.Generator | None) -> Tensor:
    """Eq. 11, or the edges that are likelier than not."""
    if generator is None:
        return scores > 0
    return torch.bernoulli(torch.sigmoid(scores), generator=generator).bool()


def unbatch(types: Tensor, edge_index: Tensor) -> list[Data]:
    """Graphs of up to t nodes each, cut behind their output nodes. `types`: `b x t`; `edge_index`: `2 x e` over all graphs."""
    size, t = types.shape
    ended = types == OUTPUT_TYPE
    num_nodes = torch.where(ended.any(dim=1), ended.int().argmax(dim=1) + 1, t)
    graphs, edges = edge_index[0] // t, edge_index % t
    inside = edges[1] < num_nodes[graphs]
    graphs, edges = graphs[inside], edges[:, inside]
    parts = edges[:, graphs.argsort(stable=True)].split(graphs.bincount(minlength=size).tolist(), dim=1)
    lengths = num_nodes.tolist()
    return [Data(x=row[:n], edge_index=part, num_nodes=n) for row, part, n in zip(types, parts, lengths, strict=True)]
