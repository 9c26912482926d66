"""The optimiser: its steps are orthogonal, by blocks, and it learns faster than what it replaces."""

import pytest
import torch
from torch import nn

from models.svge.muon import Muon, orthogonalise, split_parameters
from tests.models.svge.small import small_model


@pytest.mark.parametrize("shape", [(1, 20, 20), (1, 16, 40), (1, 40, 16), (3, 20, 20)])
def test_singular_values_come_near_one(shape: tuple[int, int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    tall = max(1.0, shape[-2] / shape[-1]) ** 0.5
    values = torch.linalg.svdvals(orthogonalise(matrix)) / tall
    assert float(values.min()) > 0.3
    assert float(values.max()) < 1.3


def test_half_precision_gives_about_the_same() -> None:
    matrices = torch.randn(3, 24, 30, generator=torch.Generator().manual_seed(0))
    found, expected = orthogonalise(matrices, torch.bfloat16), orthogonalise(matrices)
    assert found.dtype == torch.float32
    assert float((found - expected).norm() / expected.norm()) < 0.05


def test_the_directions_are_those_of_the_matrix() -> None:
    matrix = torch.randn(24, 24, generator=torch.Generator().manual_seed(0))
    left, _, right = torch.linalg.svd(matrix)
    found = left.T @ orthogonalise(matrix.unsqueeze(0))[0] @ right.T
    assert float((found - torch.diag(found.diag())).abs().max()) < 1e-3


def test_a_stack_of_square_layers_is_stepped_layer_by_layer() -> None:
    generator = torch.Generator().manual_seed(0)
    layers = [torch.randn(20, 20, generator=generator) for _ in range(3)]
    gradients = [torch.randn(20, 20, generator=generator) * scale for scale in (1e-3, 1.0, 1e3)]
    stack = nn.Parameter(torch.cat(layers))
    stack.grad = torch.cat(gradients)
    alone = [nn.Parameter(layer.clone()) for layer in layers]
    for parameter, gradient in zip(alone, gradients, strict=True):
        parameter.grad = gradient
    Muon([stack], lr=0.1).step()
    Muon(alone, lr=0.1).step()
    torch.testing.assert_close(stack.detach(), torch.cat([parameter.detach() for parameter in alone]))


def test_a_step_has_the_size_of_the_rate_whatever_the_gradient() -> None:
    for scale in (1e-4, 1e4):
        parameter = nn.Parameter(torch.zeros(20, 20))
        parameter.grad = scale * torch.randn(20, 20, generator=torch.Generator().manual_seed(0))
        Muon([parameter], lr=0.5).step()
        assert float(torch.linalg.matrix_norm(parameter.detach(), 2)) == pytest.approx(0.5, rel=0.3)


def test_tables_biases_and_output_layers_are_left_to_the_other_optimiser() -> None:
    model = small_model("enas_macro")
    matrices, others = split_parameters(model)
    assert len(matrices) + len(others) == len(list(model.parameters()))
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    others_by_name = {names[id(parameter)] for parameter in others}
    assert {"encoder.embedding.weight", "decoder.node_output.weight", "decoder.edge_output.weight"} <= others_by_name
    assert {"encoder.round.ends.weight", "decoder.round.from_message.weight"}.isdisjoint(others_by_name)


def test_a_linear_map_is_learnt() -> None:
    generator = torch.Generator().manual_seed(0)
    target = torch.randn(20, 20, generator=generator)
    layer = nn.Linear(20, 20, bias=False)
    optimizer = Muon(layer.parameters(), lr=0.2, weight_decay=0.0)
    inputs = torch.randn(256, 20, generator=generator)
    for step in range(200):
        optimizer.param_groups[0]["lr"] = 0.2 * (1 - step / 200)
        optimizer.zero_grad()
        (layer(inputs) - inputs @ target.T).square().mean().backward()
        optimizer.step()
    assert float((layer.weight.detach() - target).abs().max()) < 0.05
