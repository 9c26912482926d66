"""The gated recurrent unit of Cho et al. (2014) from its two products, with a backward pass in as few passes as it takes.

PyTorch fuses its own only on GPUs; on a CPU its dozen element-wise steps and their gradients cost as much as the products.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def gated_update(from_message: Tensor, from_state: Tensor, states: Tensor) -> Tensor:
    """The new states, `... x s`, of nodes with the old `states`.

    `from_message`, `from_state`: the unit's products with its input and with the states, `... x 3 s`, for reset gate, update gate
    and new state in turn; of one dtype, and broadcast to each other.
    """
    from_message, from_state = torch.broadcast_tensors(from_message, from_state)  # type: ignore[no-untyped-call]
    parts = from_message, from_state, states.expand(*from_message.shape[:-1], states.shape[-1])
    new: Tensor = _GatedUpdate.apply(*parts)  # type: ignore[no-untyped-call]
    return new


class _GatedUpdate(torch.autograd.Function):
    """`r, u = sigmoid(...)`, `c = tanh(m + r * h)`, and `c + u * (states - c)`."""

    @staticmethod
    def forward(ctx: Any, from_message: Tensor, from_state: Tensor, states: Tensor) -> Tensor:
        size = states.shape[-1]
        gates = (from_message[..., : 2 * size] + from_state[..., : 2 * size]).to(states.dtype).sigmoid_()
        reset, update = gates.chunk(2, dim=-1)
        old = from_state[..., 2 * size :].to(states.dtype)
        candidate = torch.addcmul(from_message[..., 2 * size :].to(states.dtype), reset, old).tanh_()
        ctx.save_for_backward(gates, old, candidate, states)
        ctx.dtype = from_message.dtype
        return torch.lerp(candidate, states, update)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        gates, old, candidate, states = ctx.saved_tensors
        reset, update = gates.chunk(2, dim=-1)
        size = states.shape[-1]
        for_states = gradient * update
        for_candidate = torch.ops.aten.tanh_backward(gradient - for_states, candidate)
        for_message = gates.new_empty(*states.shape[:-1], 3 * size, dtype=ctx.dtype)
        for_message[..., :size] = torch.ops.aten.sigmoid_backward(for_candidate * old, reset)
        for_message[..., size : 2 * size] = torch.ops.aten.sigmoid_backward((states - candidate).mul_(gradient), update)
        for_message[..., 2 * size :] = for_candidate
        for_state = for_message.clone()
        for_state[..., 2 * size :] = for_candidate.mul_(reset)
        return for_message, for_state, for_states
