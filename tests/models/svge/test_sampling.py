"""Decoding: always valid under a grammar, distributed as the decoder says when free, reproducible from a seed."""

import collections
import math

import pytest
import torch

from models.spaces.grammar import Grammar
from models.spaces.registry import get_space, space_names
from models.svge.config import SVGeConfig
from models.svge.objective import reconstruction
from models.svge.packing import PackedGraphs
from models.svge.sampling import FreeRule, GrammarRule, sample_graphs
from tests.models.svge.small import SMALL, small_autoencoder, small_model


@pytest.mark.parametrize("name", space_names())
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_constrained_decoding_of_untrained_models_is_always_valid(name: str, seed: int) -> None:
    """Weights scaled up, so that the decoder wants extreme things."""
    model = small_model(name, seed)
    with torch.no_grad():
        for parameter in model.decoder.parameters():
            parameter.mul_(1.0 + 2.0 * seed)
    autoencoder = type(small_autoencoder(name))(model, get_space(name), torch.device("cpu"))
    latents = 3.0 * torch.randn(300, SMALL.latent_size, generator=torch.Generator().manual_seed(seed))
    for generator in (None, torch.Generator().manual_seed(seed)):
        for architecture in autoencoder.decode(latents, generator):
            autoencoder.space.validate(architecture)


@pytest.mark.parametrize(("name", "max_nodes"), [("nasbench101", 9), ("enas_macro", 14), ("enas_micro", 22)])
def test_larger_spaces_are_decoded_validly(name: str, max_nodes: int) -> None:
    autoencoder = small_autoencoder(name)
    latents = torch.randn(200, SMALL.latent_size, generator=torch.Generator().manual_seed(0))
    decoded = autoencoder.decode(latents, torch.Generator().manual_seed(1), max_nodes=max_nodes)
    for architecture in decoded:
        autoencoder.space.validate(architecture, max_nodes)
    assert max(architecture.num_nodes for architecture in decoded) > autoencoder.space.max_nodes


def test_free_samples_follow_the_likelihood() -> None:
    """Frequencies of whole small graphs agree with the probabilities that the objective assigns to them."""
    model = small_model("nasbench101", config=SVGeConfig(node_size=16, message_size=16, hidden_size=16, latent_size=4))
    latent = torch.randn(1, 4, generator=torch.Generator().manual_seed(5))
    count = 20_000
    with torch.no_grad():
        graphs = sample_graphs(model.decoder, latent.expand(count, -1), FreeRule(3), torch.Generator().manual_seed(0))
        keys = [
            (tuple(types), tuple(map(tuple, adjacency)))
            for types, adjacency, size in zip(
                graphs.types.tolist(), graphs.adjacency.tolist(), graphs.num_nodes.tolist(), strict=True
            )
            if size == 3
        ]
        common = collections.Counter(keys).most_common(5)
        assert len(common) == 5
        for (types, adjacency), observed in common:
            packed = PackedGraphs(torch.tensor([types]), torch.tensor([adjacency]).float(), torch.ones(1, 3))
            expected = count * math.exp(-sum(reconstruction(model.decoder, latent, packed)).item())
            assert abs(observed - expected) < 5.0 * math.sqrt(expected)


def test_sampling_is_reproducible_and_greedy_is_deterministic() -> None:
    autoencoder = small_autoencoder("nasbench101")
    latents = torch.randn(50, SMALL.latent_size, generator=torch.Generator().manual_seed(0))
    first = autoencoder.decode(latents, torch.Generator().manual_seed(7))
    assert first == autoencoder.decode(latents, torch.Generator().manual_seed(7))
    assert first != autoencoder.decode(latents, torch.Generator().manual_seed(8))
    assert autoencoder.decode(latents) == autoencoder.decode(latents)


def test_an_output_that_wants_no_edge_gets_only_those_it_needs() -> None:
    rule = GrammarRule(Grammar(("input", "output", "a"), min_nodes=2, max_nodes=4))
    adjacency = torch.tensor([[[False, True], [False, False]]])
    edges = rule.choose_edges(torch.tensor([[-3.0, -4.0]]), torch.tensor([1]), torch.tensor([[0, 2]]), adjacency)
    assert edges.tolist() == [[False, True]]


def test_an_edge_limit_leaves_room_for_the_output() -> None:
    """With every edge wanted, a graph takes as many as the limit allows and still ends with all nodes connected."""
    rule = GrammarRule(Grammar(("input", "output", "a"), min_nodes=5, max_nodes=5, max_edges=6))
    adjacency = torch.zeros(1, 1, 1, dtype=torch.bool)
    types = [0]
    for step in range(1, 5):
        chosen_type = rule.choose_types(torch.tensor([[0.0, 5.0, 1.0]]), torch.tensor([types]), adjacency)
        edges = rule.choose_edges(torch.full((1, step), 9.0), chosen_type, torch.tensor([types]), adjacency)
        adjacency = torch.nn.functional.pad(adjacency, (0, 1, 0, 1))
        adjacency[:, :step, step] = edges
        types.append(int(chosen_type))
    assert types == [0, 2, 2, 2, 1]
    assert int(adjacency.sum()) == 6
    assert bool(adjacency[0, :4].any(dim=1).all())
