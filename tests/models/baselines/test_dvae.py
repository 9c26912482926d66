"""The batched D-VAE against the same model written one graph and one edge at a time, and what every graph model owes."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from models.architectures.architecture import Architecture
from models.autoencoders.autoencoder import GraphAutoencoder
from models.baselines.asynchronous import AsynchronousUnit
from models.baselines.dvae import Dvae
from models.spaces.registry import get_space
from models.svge.packing import PackedGraphs, pack
from models.svge.sampling import FreeRule, GrammarRule
from tests.models.baselines.small import SMALL_DVAE, small_dvae
from tests.models.svge.test_encoder import relabelled

WITH_IDS = dataclasses.replace(SMALL_DVAE, num_vertex_ids=7)
CPU = torch.device("cpu")


class SlowDvae:
    """The equations of Zhang et al. on one architecture, with the weights of a `Dvae` and torch's own cells and layers."""

    def __init__(self, model: Dvae) -> None:
        self.model = model

    def node_state(self, unit: AsynchronousUnit, label: str, senders: dict[int, Tensor], hidden: Tensor | None = None) -> Tensor:
        if hidden is None:
            hidden = torch.zeros(unit.state_size, dtype=unit.cell.weight_hh.dtype)
            for place, state in senders.items():
                one_hot = functional.one_hot(torch.tensor(place), 100)[: unit.num_vertex_ids].to(state.dtype)
                identified = torch.cat([state, one_hot])
                hidden = hidden + torch.sigmoid(unit.gate(identified)) * unit.value(identified)
        type_index = torch.tensor(self.model.vocabulary.index(label))
        one_hot = functional.one_hot(type_index, len(self.model.vocabulary)).to(hidden.dtype)
        return unit.cell(one_hot.unsqueeze(0), hidden.unsqueeze(0))[0]

    def encode(self, graph: Architecture) -> tuple[Tensor, Tensor]:
        along: dict[int, Tensor] = {}
        against: dict[int, Tensor] = {}
        encoder = self.model.encoder
        for node in range(graph.num_nodes):
            along[node] = self.node_state(encoder.along, graph.nodes[node], {u: along[u] for u in graph.predecessors(node)})
        for node in reversed(range(graph.num_nodes)):
            against[node] = self.node_state(encoder.against, graph.nodes[node], {u: against[u] for u in graph.successors(node)})
        state = encoder.unify(torch.cat([along[graph.num_nodes - 1], against[0]]))
        return self.model.mean(state), self.model.log_var(state)

    def edge_score(self, sender: Tensor, receiver: Tensor) -> Tensor:
        decoder = self.model.decoder
        weight = torch.cat([decoder.edge_ends.weight, decoder.edge_new.weight], dim=1)
        hidden = torch.relu(functional.linear(torch.cat([sender, receiver]), weight, decoder.edge_ends.bias))
        return decoder.edge_output(hidden)[0]

    def reconstruction(self, latent: Tensor, graph: Architecture) -> tuple[float, float]:
        decoder = self.model.decoder
        states = [self.node_state(decoder.unit, "input", {}, torch.tanh(decoder.first(latent)))]
        nodes = edges = 0.0
        for node in range(1, graph.num_nodes):
            label = graph.nodes[node]
            nodes -= float(decoder.node(states[-1]).log_softmax(0)[self.model.vocabulary.index(label)])
            senders: dict[int, Tensor] = {}
            state = self.node_state(decoder.unit, label, senders)
            for source in reversed(range(node)):
                score = self.edge_score(states[source], state)
                linked = source in graph.predecessors(node)
                edges -= float(functional.logsigmoid(score if linked else -score))
                if linked:
                    senders[source] = states[source]
                state = self.node_state(decoder.unit, label, senders)
            states.append(state)
        return nodes, edges

    def greedy(self, latent: Tensor, max_nodes: int) -> tuple[list[str], list[tuple[int, int]]]:
        """The decoding without rules, until the output or `max_nodes`."""
        decoder, vocabulary = self.model.decoder, self.model.vocabulary
        labels, links = ["input"], []
        states = [self.node_state(decoder.unit, "input", {}, torch.tanh(decoder.first(latent)))]
        while labels[-1] != "output" and len(labels) < max_nodes:
            labels.append(vocabulary[int(decoder.node(states[-1]).argmax())])
            senders: dict[int, Tensor] = {}
            state = self.node_state(decoder.unit, labels[-1], senders)
            for source in reversed(range(len(labels) - 1)):
                if self.edge_score(states[source], state) > 0:
                    links.append((source, len(labels) - 1))
                    senders[source] = states[source]
                    state = self.node_state(decoder.unit, labels[-1], senders)
            states.append(state)
        return labels, sorted(links)


def samples(name: str, count: int, seed: int = 0) -> list[Architecture]:
    rng = np.random.default_rng(seed)
    return [get_space(name).sample(rng) for _ in range(count)]


def latents(count: int) -> Tensor:
    return 2.0 * torch.randn(count, SMALL_DVAE.latent_size, generator=torch.Generator().manual_seed(0))


def packed_double(architectures: list[Architecture], model: Dvae) -> PackedGraphs:
    graphs = pack(architectures, model.vocabulary)
    return graphs._replace(adjacency=graphs.adjacency.double(), mask=graphs.mask.double())


@pytest.mark.parametrize("config", [SMALL_DVAE, WITH_IDS])
def test_posteriors_and_likelihoods_are_those_of_one_graph_at_a_time(config: object) -> None:
    model = small_dvae("nasbench101", config=config).double()
    architectures = [Architecture("nasbench101", ("input", "output"), ((0, 1),)), *samples("nasbench101", 12)]
    graphs, points = packed_double(architectures, model), latents(13).double()
    slow = SlowDvae(model)
    with torch.no_grad():
        posterior = model.encode(graphs)
        nodes, edges = model.decoder.reconstruction(points, graphs)
        for row, architecture in enumerate(architectures):
            mean, log_var = slow.encode(architecture)
            torch.testing.assert_close(posterior.mean[row], mean, atol=1e-9, rtol=0)
            torch.testing.assert_close(posterior.log_var[row], log_var, atol=1e-9, rtol=0)
            expected = slow.reconstruction(points[row], architecture)
            assert (float(nodes[row]), float(edges[row])) == pytest.approx(expected, abs=1e-5)


def test_greedy_free_decoding_is_that_of_one_graph_at_a_time() -> None:
    model = small_dvae("nasbench101", config=WITH_IDS).double()
    points = latents(40).double()
    with torch.no_grad():
        for parameter in model.decoder.parameters():
            parameter.mul_(3.0)
        graphs = model.sample(points, FreeRule(7))
        shapes = set()
        for row, point in enumerate(points):
            labels, links = SlowDvae(model).greedy(point, 7)
            n = len(labels)
            assert [model.vocabulary[index] for index in graphs.types[row, :n].tolist()] == labels
            assert [tuple(edge) for edge in graphs.adjacency[row, :n, :n].nonzero().tolist()] == links
            assert int(graphs.num_nodes[row]) == (n if labels[-1] == "output" else 0)
            shapes.add((tuple(labels), tuple(links)))
    assert len(shapes) > 5


@pytest.mark.parametrize("name", ["enas_macro", "nasbench101", "nasbench201"])
def test_constrained_decoding_is_always_valid(name: str) -> None:
    model, space = small_dvae(name), get_space(name)
    with torch.no_grad():
        for parameter in model.decoder.parameters():
            parameter.mul_(4.0)
    autoencoder = GraphAutoencoder(model, space, CPU)
    for generator in (None, torch.Generator().manual_seed(0)):
        for architecture in autoencoder.decode(latents(200), generator):
            space.validate(architecture)


def test_free_samples_have_the_shapes_of_their_space_and_follow_the_seed() -> None:
    model = small_dvae("nasbench101")
    with torch.no_grad():
        first, again, other = (model.sample(latents(64), FreeRule(7), torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert first.types.shape == (64, 7)
    assert first.adjacency.shape == (64, 7, 7)
    assert not first.adjacency.tril().any()
    assert bool(((first.num_nodes == 0) | (first.num_nodes >= 2)).all())
    assert all(torch.equal(one, two) for one, two in zip(first, again, strict=True))
    assert not torch.equal(first.adjacency, other.adjacency)


def test_neighbouring_rows_of_one_latent_decode_as_they_would_alone() -> None:
    """A tiny shift keeps rows apart that would else be computed together; their noise is the same."""
    model = small_dvae("nasbench101").double()
    rows = latents(5).double().repeat_interleave(40, dim=0)
    shifted = rows + 1e-9 * torch.randn(rows.shape, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        for rule in (FreeRule(7), GrammarRule(get_space("nasbench101").grammar())):
            together, alone = (model.sample(z, rule, torch.Generator().manual_seed(1)) for z in (rows, shifted))
            assert all(torch.equal(one, two) for one, two in zip(together, alone, strict=True))
            assert len(together.adjacency.flatten(1).unique(dim=0)) > 50


def test_a_graph_is_encoded_alike_alone_and_among_larger_ones() -> None:
    autoencoder = GraphAutoencoder(small_dvae("nasbench101", config=WITH_IDS), get_space("nasbench101"), CPU)
    architectures = [Architecture("nasbench101", ("input", "output"), ((0, 1),)), *samples("nasbench101", 10)]
    together = autoencoder.encode(architectures)
    for row, architecture in enumerate(architectures):
        torch.testing.assert_close(autoencoder.encode([architecture]).mean[0], together.mean[row], atol=1e-5, rtol=0)


def other_topological_orders(architectures: list[Architecture], seed: int) -> list[Architecture]:
    rng = np.random.default_rng(seed)
    changed = []
    for architecture in architectures:
        depth = np.zeros(architecture.num_nodes)
        for source, target in architecture.edges:
            depth[target] = max(depth[target], depth[source] + 1)
        order = sorted(range(architecture.num_nodes), key=lambda node: (depth[node], rng.random()))
        changed.append(architecture.with_order(order))
    return changed


def test_isomorphic_graphs_get_equal_latents_without_vertex_ids() -> None:
    architectures = samples("nasbench101", 300)
    permuted = other_topological_orders(architectures, 0)
    differing = [row for row, (one, two) in enumerate(zip(architectures, permuted, strict=True)) if one != two]
    assert len(differing) > 80
    means = {}
    for config in (SMALL_DVAE, WITH_IDS):
        model = small_dvae("nasbench101", config=config)
        with torch.no_grad():
            one, two = (model.encode(pack(graphs, model.vocabulary)).mean for graphs in (architectures, permuted))
        means[config] = (one - two).abs().max()
    assert means[SMALL_DVAE] < 1e-5
    assert means[WITH_IDS] > 1e-3


def test_the_order_that_relabels_is_no_topological_order() -> None:
    """An asynchronous encoder reads the order as topological: the property above cannot be had for arbitrary permutations."""
    model = small_dvae("nasbench101")
    graphs = pack(samples("nasbench101", 20), model.vocabulary)
    with torch.no_grad():
        moved = (model.encode(graphs).mean - model.encode(relabelled(graphs, np.random.default_rng(0))).mean).abs().max()
    assert moved > 1e-3


def test_a_small_model_learns_twenty_graphs_by_heart() -> None:
    architectures, space, rate, steps = samples("enas_macro", 20), get_space("enas_macro"), 1e-2, 160
    config = dataclasses.replace(SMALL_DVAE, state_size=48, latent_size=16, posterior_noise_scale=0.01)
    model = small_dvae("enas_macro", config=config)
    graphs = pack(architectures, model.vocabulary)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    noise = torch.Generator().manual_seed(0)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rate * (1.0 - step / steps)
        losses = model(graphs, noise)
        optimizer.zero_grad()
        losses.total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    autoencoder = GraphAutoencoder(model, space, CPU)
    mean = autoencoder.encode(architectures).mean
    assert autoencoder.decode(mean) == autoencoder.decode_free(mean) == architectures
