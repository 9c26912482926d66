"""The PyTorch Geometric form computes what `models/svge` computes: only then is comparing their speeds fair."""

import numpy as np
import pytest
import torch
from torch_geometric.data import Batch, Data

from benchmarks.geometric_svge import collate, prepare
from benchmarks.geometric_weights import from_geometric, to_geometric
from models.architectures.architecture import Architecture
from models.spaces.registry import get_space
from models.svge.geometric import to_data
from models.svge.model import SVGe
from models.svge.packing import PackedGraphs, pack
from models.svge.sampling import OUTPUT_TYPE, FreeRule, sample_graphs
from tests.models.svge.small import small_model

SPACES = ["enas_macro", "nasbench101"]


def lively_model(name: str, seed: int = 0) -> SVGe:
    """Weights that are all different from what they start as and large enough for varied decodings."""
    model = small_model(name, seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.15 * torch.randn(parameter.shape, generator=generator))
        model.decoder.node_output.bias[OUTPUT_TYPE] += 1.5
    return model


def sampled(name: str, count: int) -> list[Architecture]:
    rng = np.random.default_rng(5)
    return [get_space(name).sample(rng) for _ in range(count)]


def both_forms(name: str, count: int) -> tuple[list[Data], PackedGraphs]:
    vocabulary = get_space(name).vocabulary
    architectures = sampled(name, count)
    return [to_data(architecture, vocabulary) for architecture in architectures], pack(architectures, vocabulary)


def edges_of(edge_index: torch.Tensor) -> list[tuple[int, int]]:
    return sorted((source, target) for source, target in edge_index.t().tolist())


@pytest.mark.parametrize("name", SPACES)
def test_latents_are_equal(name: str) -> None:
    model = lively_model(name)
    graphs, packed = both_forms(name, 30)
    ours, theirs = model.encoder(packed), to_geometric(model).encoder(Batch.from_data_list(graphs))
    assert ours.mean.std() > 0.01
    torch.testing.assert_close(ours.mean, theirs.mean, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(ours.log_var, theirs.log_var, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", SPACES)
def test_losses_and_their_gradients_are_equal(name: str) -> None:
    model = lively_model(name)
    geometric = to_geometric(model)
    graphs, packed = both_forms(name, 30)
    ours = model(packed, torch.Generator().manual_seed(1))
    theirs = geometric(collate([prepare(graph) for graph in graphs]), torch.Generator().manual_seed(1))
    torch.testing.assert_close(torch.stack(ours), torch.stack(theirs), atol=1e-4, rtol=1e-5)
    ours.total.backward()
    theirs.total.backward()
    for part in ("encoder", "decoder"):
        found = getattr(geometric, part).embedding.weight.grad
        torch.testing.assert_close(getattr(model, part).embedding.weight.grad, found, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("name", SPACES)
def test_greedy_decodings_are_equal_alone_and_in_a_batch(name: str) -> None:
    model = lively_model(name)
    geometric = to_geometric(model)
    max_nodes = get_space(name).max_nodes
    latent = 2.0 * torch.randn(60, model.config.latent_size, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        ours = sample_graphs(model.decoder, latent, FreeRule(max_nodes))
    alone = [geometric.decode(row.unsqueeze(0), max_nodes)[0] for row in latent]
    together = geometric.decode(latent, max_nodes)
    found = []
    for row, (one, other) in enumerate(zip(alone, together, strict=True)):
        n = int(ours.num_nodes[row]) or max_nodes
        types, edges = ours.types[row, :n].tolist(), edges_of(ours.adjacency[row, :n, :n].nonzero().t())
        assert (one.x.tolist(), edges_of(one.edge_index)) == (types, edges)
        assert (other.x.tolist(), edges_of(other.edge_index)) == (types, edges)
        found.append((tuple(types), tuple(edges)))
    assert len(set(found)) > 5
    assert len({len(types) for types, _ in found}) > 1


def test_sampled_decodings_have_the_same_distribution() -> None:
    model = lively_model("nasbench101")
    latent = torch.randn(1, model.config.latent_size, generator=torch.Generator().manual_seed(3)).repeat(4000, 1)
    with torch.inference_mode():
        ours = sample_graphs(model.decoder, latent, FreeRule(3), torch.Generator().manual_seed(4))
    theirs = to_geometric(model).decode(latent, 3, torch.Generator().manual_seed(5))
    num_types = len(model.vocabulary)
    expected = ours.types[:, 1].bincount(minlength=num_types) / len(latent)
    found = torch.stack([graph.x[1] for graph in theirs]).bincount(minlength=num_types) / len(latent)
    torch.testing.assert_close(found, expected, atol=0.04, rtol=0)
    found_edges = sum((0, 1) in edges_of(graph.edge_index) for graph in theirs) / len(latent)
    assert found_edges == pytest.approx(float(ours.adjacency[:, 0, 1].float().mean()), abs=0.04)


def test_weights_survive_the_way_there_and_back() -> None:
    model = lively_model("enas_macro")
    back = from_geometric(to_geometric(model), model.vocabulary)
    packed = both_forms("enas_macro", 10)[1]
    generators = [torch.Generator().manual_seed(6) for _ in range(2)]
    torch.testing.assert_close(torch.stack(model(packed, generators[0])), torch.stack(back(packed, generators[1])))
    for name, weight in model.state_dict().items():
        if not name.endswith("ends.bias"):
            assert torch.equal(weight, back.state_dict()[name]), name
    count = sum(parameter.numel() for parameter in to_geometric(model).parameters())
    biases = sum(model.state_dict()[f"{part}.round.ends.bias"].numel() // 2 for part in ("encoder", "decoder"))
    assert count == sum(parameter.numel() for parameter in model.parameters()) - biases


def test_prefixes_show_the_nodes_so_far_and_ask_for_the_next() -> None:
    graph = Data(x=torch.tensor([0, 3, 2, 1]), edge_index=torch.tensor([[0, 0, 1, 2], [1, 2, 2, 3]]), num_nodes=4)
    prefixes = prepare(graph).prefixes
    assert [prefix.num_nodes for prefix in prefixes] == [1, 2, 3]
    assert [edges_of(prefix.edge_index) for prefix in prefixes] == [[], [(0, 1)], [(0, 1), (0, 2), (1, 2)]]
    assert [prefix.new_type.tolist() for prefix in prefixes] == [[3], [2], [1]]
    assert [prefix.new_edges.tolist() for prefix in prefixes] == [[1], [1, 1], [0, 0, 1]]
