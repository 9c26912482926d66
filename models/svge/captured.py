"""A batch's loss and gradients as one launch on a GPU: its kernels are captured once and replayed for every batch of that shape.

A training step of small graphs is some two thousand kernels of a few microseconds, which take longer to launch than to run.
"""

from typing import Any

import torch
from torch import Tensor, nn

from models.svge.packing import PackedGraphs

_WARM_UPS = 3
"""Runs before a capture, in which libraries take what memory they want; PyTorch's documentation has as many."""


class CapturedGradients:
    """Fills the gradients of an objective's parameters, batch after batch.

    `objective` maps graphs, no triplets and a noise generator to the loss and its parts, and never waits for the device. It is
    captured for each shape of batch that comes, where its parameters must stay where they are in memory.
    """

    def __init__(self, objective: nn.Module, bfloat16: bool) -> None:
        self._objective, self._bfloat16 = objective, bfloat16
        self._captures: dict[torch.Size, _Capture] = {}
        # One is replayed at a time and its gradients are spent before the next, so that all can use the same memory.
        self._pool = torch.cuda.graph_pool_handle()

    def fill(self, graphs: PackedGraphs, seed: int) -> Tensor:
        """Set the gradients to those of this batch, its noise drawn from `seed`; returns the loss's parts."""
        shape = graphs.types.shape
        with torch.cuda.device(graphs.types.device):
            if shape not in self._captures:
                self._captures[shape] = _Capture(self._objective, graphs, self._bfloat16, self._pool)
            return self._captures[shape].fill(graphs, seed)


class _Capture:
    """The kernels for one shape of batch, with the places they read and write."""

    def __init__(self, objective: nn.Module, graphs: PackedGraphs, bfloat16: bool, pool: Any) -> None:
        device = graphs.types.device
        self._objective, self._bfloat16 = objective, bfloat16
        self._parameters = list(objective.parameters())
        self._graphs = PackedGraphs(*(part.clone() for part in graphs))
        self._noise = torch.Generator(device)
        self._replayed = torch.cuda.CUDAGraph()
        self._replayed.register_generator_state(self._noise)
        side = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(side):
            for _ in range(_WARM_UPS):
                self._compute()
        torch.cuda.current_stream(device).wait_stream(side)
        with torch.cuda.graph(self._replayed, pool=pool):
            self._parts = self._compute()
        self._gradients = [parameter.grad for parameter in self._parameters]

    def fill(self, graphs: PackedGraphs, seed: int) -> Tensor:
        for place, part in zip(self._graphs, graphs, strict=True):
            place.copy_(part)
        self._noise.manual_seed(seed)
        self._replayed.replay()
        for parameter, gradient in zip(self._parameters, self._gradients, strict=True):
            parameter.grad = gradient
        return self._parts.clone()

    def _compute(self) -> Tensor:
        for parameter in self._parameters:
            parameter.grad = None
        # Rounded weights must not outlive the capture that rounds them.
        with torch.autocast("cuda", torch.bfloat16, enabled=self._bfloat16, cache_enabled=False):
            total, parts = self._objective(self._graphs, None, self._noise)
        total.backward()
        found: Tensor = parts
        return found
