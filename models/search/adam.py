"""Adam for one tensor, as BoTorch's `gen_candidates_torch` calls an optimiser.

The first optimiser of `torch.optim` in a process imports PyTorch's compiler, for which a first proposal would wait two seconds.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

_MEAN_DECAY, _SQUARE_DECAY, _TINY = 0.9, 0.999, 1e-8


class Adam:
    """Kingma & Ba, "Adam: a method for stochastic optimization" (2015), with the defaults of `torch.optim.Adam`."""

    def __init__(self, params: Sequence[Tensor], lr: float) -> None:
        (self._parameter,) = params
        self._rate = lr
        self._mean, self._square = torch.zeros_like(self._parameter), torch.zeros_like(self._parameter)
        self._steps = 0

    def zero_grad(self) -> None:
        self._parameter.grad = None

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor]) -> Tensor:
        """One step along the gradient that `closure` leaves; its loss."""
        loss, gradient = closure(), self._parameter.grad
        if gradient is None:
            raise ValueError("closure must leave a gradient, got none")
        self._steps += 1
        self._mean.lerp_(gradient, 1.0 - _MEAN_DECAY)
        self._square.lerp_(gradient.square(), 1.0 - _SQUARE_DECAY)
        scale = (self._square.sqrt() / math.sqrt(1.0 - _SQUARE_DECAY**self._steps)).add_(_TINY)
        self._parameter.addcdiv_(self._mean, scale, value=-self._rate / (1.0 - _MEAN_DECAY**self._steps))
        return loss
