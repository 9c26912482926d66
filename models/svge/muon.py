"""The optimiser: Muon for the weight matrices of hidden layers, AdamW for everything else.

Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024). `torch.optim.Muon` orthogonalises in bfloat16,
which a CPU without such instructions does a hundred times slower, and cannot cut a matrix into blocks.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

MIN_SIDE = 16
"""Matrices with a shorter side are lookup tables and output layers; AdamW suits them better."""

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_STEPS = 5
_TINY = 1e-7


class Muon(torch.optim.Optimizer):
    """Steps along the orthogonalised momentum, so that every direction of a matrix moves equally far.

    Takes matrices only. A matrix with k times as many rows as columns, as layers stacked for one product are, is cut into k square
    blocks, each orthogonalised by itself. `lr` is about the spectral norm of a block's step, more by `sqrt(rows / columns)` where a
    block is tall; `weight_decay` is decoupled.
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float, momentum: float = 0.95, weight_decay: float = 0.01) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._step_one(parameter, group)

    def _step_one(self, parameter: Tensor, group: dict[str, float]) -> None:
        state, gradient = self.state[parameter], parameter.grad
        assert gradient is not None
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        momentum: Tensor = state["momentum"]
        momentum.lerp_(gradient, 1 - group["momentum"])
        ahead = gradient.lerp(momentum, group["momentum"])
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.add_(orthogonalise(_unstack(ahead)).reshape(parameter.shape), alpha=-group["lr"])


def orthogonalise(matrices: Tensor) -> Tensor:
    """About the nearest matrix with orthogonal rows or columns, scaled by `sqrt(rows / columns)` where it is tall.

    `matrices`: `... x r x c`. Five steps of a quintic Newton-Schulz iteration bring all singular values near 1.
    """
    tall = matrices.shape[-2] > matrices.shape[-1]
    wide = matrices.mT if tall else matrices
    wide = wide / (torch.linalg.matrix_norm(wide, keepdim=True) + _TINY)
    first, third, fifth = _COEFFICIENTS
    for _ in range(_STEPS):
        gram = wide @ wide.mT
        wide = first * wide + (third * gram + fifth * gram @ gram) @ wide
    found: Tensor = (wide.mT if tall else wide) * max(1.0, matrices.shape[-2] / matrices.shape[-1]) ** 0.5
    return found


def split_parameters(model: nn.Module) -> tuple[list[Tensor], list[Tensor]]:
    """The parameters that Muon takes, and the others."""
    tables = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    matrices: list[Tensor] = []
    others: list[Tensor] = []
    for parameter in model.parameters():
        is_hidden = parameter.ndim == 2 and min(parameter.shape) >= MIN_SIDE and id(parameter) not in tables
        (matrices if is_hidden else others).append(parameter)
    return matrices, others


def _unstack(matrix: Tensor) -> Tensor:
    rows, columns = matrix.shape
    return matrix.reshape(rows // columns, columns, columns) if rows > columns and rows % columns == 0 else matrix
