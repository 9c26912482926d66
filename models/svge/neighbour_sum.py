"""The sum over a node's neighbours of `relu(A h_u + B h_v + c)`, in both directions of the edges at once (Eq. 5).

Two ways to the same sums: over all pairs of nodes, in any order and on any device, and over the pairs of a topological order.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

_BLOCK = 1e6
_GRID = 1.5 * 2.0**11
"""A number of this size is added and taken away again to round to multiples of 2^-12."""


def sum_hidden_messages(ends: Tensor, adjacency: Tensor) -> Tensor:
    """For every node the sums over its predecessors and over its successors, side by side: `b x n x 2 m`.

    `ends`: `b x n x 4 m`: what a node adds as sender and as receiver of messages along the edges, then as sender and as receiver
    of those against them. `adjacency`: `b x n x n`, row to column, 0 or 1.
    """
    if ends.device.type == "cpu" and not bool(adjacency.tril().any()):
        # A node's pairs with all later ones stay in the processor's cache; a GPU would wait for the loop.
        sums: Tensor = _OrderedSum.apply(ends, adjacency)  # type: ignore[no-untyped-call]
        return sums
    exact = _exactly_summable(ends)
    sender, receiver, back_sender, back_receiver = exact.chunk(4, dim=-1)
    inward = _sum_over_all(sender, receiver, adjacency.transpose(1, 2))
    return torch.cat([inward, _sum_over_all(back_sender, back_receiver, adjacency)], dim=-1).to(ends.dtype)


def _sum_over_all(sender: Tensor, receiver: Tensor, neighbours: Tensor) -> Tensor:
    """`sender`, `receiver`: `b x n x m`; `neighbours`: `b x n x n`, receiver by sender; returns `b x n x m`."""
    # A large negative number before the ReLU masks as well as a product after it, and costs one pass less in each direction.
    blocked = ((neighbours - 1.0) * _BLOCK).to(sender.dtype)
    hidden = receiver.unsqueeze(2) + sender.unsqueeze(1)  # b x receiver x sender x m
    return hidden.add_(blocked.unsqueeze(-1)).relu_().sum(dim=2)


def _exactly_summable(ends: Tensor) -> Tensor:
    """Half precision in single, rounded so that sums of a few do not depend on their order.

    They are rounded to half precision again, which would turn the last bit of a sum into its eighth. Exact for sums below 2^12;
    gradients pass the rounding by.
    """
    return ends.float().add(_GRID).sub_(_GRID) if ends.dtype == torch.bfloat16 else ends


class _OrderedSum(torch.autograd.Function):
    """`sum_hidden_messages` where every edge leads from an earlier to a later node: no other pair is looked at."""

    @staticmethod
    def forward(ctx: Any, ends: Tensor, adjacency: Tensor) -> Tensor:
        exact = _exactly_summable(ends)
        size = ends.shape[-1] // 4
        sender, receiver, back_sender, back_receiver = exact.chunk(4, dim=-1)
        earlier, later = torch.cat([sender, back_receiver], dim=-1), torch.cat([receiver, back_sender], dim=-1)  # b x n x 2 m
        sums = torch.zeros_like(earlier)
        pairs = []
        for node in range(ends.shape[1] - 1):
            hidden = later[:, node + 1 :] + earlier[:, node : node + 1]
            hidden.relu_().mul_(adjacency[:, node, node + 1 :, None])
            sums[:, node + 1 :, :size] += hidden[..., :size]
            sums[:, node, size:] = hidden[..., size:].sum(dim=1)
            if ctx.needs_input_grad[0]:
                pairs.append(hidden)
        ctx.save_for_backward(*pairs)
        ctx.dtype = ends.dtype
        return sums.to(ends.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        b, n, width = gradient.shape
        size = width // 2
        inward, outward = gradient.to(torch.promote_types(gradient.dtype, torch.float32)).chunk(2, dim=-1)
        ends = inward.new_zeros(b, n, 4, size)
        for node, hidden in enumerate(ctx.saved_tensors):
            received = torch.ops.aten.threshold_backward(inward[:, node + 1 :], hidden[..., :size], 0)
            back = outward[:, node : node + 1].expand(-1, n - 1 - node, -1)
            sent = torch.ops.aten.threshold_backward(back, hidden[..., size:], 0)
            ends[:, node, 0], ends[:, node, 3] = received.sum(dim=1), sent.sum(dim=1)
            ends[:, node + 1 :, 1] += received
            ends[:, node + 1 :, 2] += sent
        return ends.flatten(2).to(ctx.dtype), None
