"""The gated recurrent unit against PyTorch's, and its own backward pass against differences."""

import torch
from torch import nn
from torch.nn import functional

from models.svge.gated_unit import gated_update


def test_it_is_the_unit_of_pytorch() -> None:
    torch.manual_seed(0)
    cell = nn.GRUCell(6, 5).double()
    inputs, states = torch.randn(7, 6, dtype=torch.float64), torch.randn(7, 5, dtype=torch.float64)
    from_message = functional.linear(inputs, cell.weight_ih, cell.bias_ih)
    from_state = functional.linear(states, cell.weight_hh, cell.bias_hh)
    torch.testing.assert_close(gated_update(from_message, from_state, states), cell(inputs, states), atol=1e-12, rtol=0)


def test_its_gradients_are_right_also_where_an_input_is_broadcast() -> None:
    generator = torch.Generator().manual_seed(0)
    shapes = ((4, 1, 9), (4, 3, 9), (4, 3, 3))
    parts = [torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True) for shape in shapes]
    assert torch.autograd.gradcheck(gated_update, parts)


def test_products_in_half_precision_leave_the_states_in_single() -> None:
    generator = torch.Generator().manual_seed(0)
    products = [torch.randn(4, 9, generator=generator).bfloat16().requires_grad_() for _ in range(2)]
    states = torch.randn(4, 3, generator=generator, requires_grad=True)
    new = gated_update(*products, states)
    new.sum().backward()
    assert new.dtype == torch.float32
    expected = gated_update(*(product.detach().float() for product in products), states)
    torch.testing.assert_close(new, expected, atol=0.01, rtol=0)
    assert all(product.grad is not None and product.grad.dtype == torch.bfloat16 for product in products)
