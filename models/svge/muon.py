"""The optimiser: Muon for the weight matrices of hidden layers, AdamW for everything else.

Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024). `torch.optim.Muon` orthogonalises in bfloat16,
which a CPU without such instructions does a hundred times slower, takes one matrix after the other, and cannot cut one into blocks.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

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

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.01,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self._dtype = dtype

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            of_shape: dict[torch.Size, list[tuple[Tensor, Tensor]]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    blocks = _unstack(self._advance(parameter, group["momentum"]))
                    of_shape[blocks.shape[1:]].append((parameter, blocks))
            for same in of_shape.values():
                self._step_together(same, group)

    def _advance(self, parameter: Tensor, momentum: float) -> Tensor:
        """The momentum after this step's gradient, and a step ahead of it (Nesterov)."""
        state, gradient = self.state[parameter], parameter.grad
        assert gradient is not None
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        average: Tensor = state["momentum"]
        average.lerp_(gradient, 1 - momentum)
        return gradient.lerp(average, momentum)

    def _step_together(self, same: Sequence[tuple[Tensor, Tensor]], group: dict[str, float]) -> None:
        """One product for the blocks of one shape, however many matrices they are of."""
        directions = orthogonalise(torch.cat([blocks for _, blocks in same]), self._dtype)
        parts = torch.split(directions, [len(blocks) for _, blocks in same])
        for (parameter, _), direction in zip(same, parts, strict=True):
            parameter.mul_(1 - group["lr"] * group["weight_decay"])
            parameter.add_(direction.reshape(parameter.shape), alpha=-group["lr"])


def orthogonalise(matrices: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """About the nearest matrix with orthogonal rows or columns, scaled by `sqrt(rows / columns)` where it is tall.

    `matrices`: `k x r x c`. Five steps of a quintic Newton-Schulz iteration in `dtype` bring all singular values near 1; the
    result is in single precision.
    """
    tall = matrices.shape[-2] > matrices.shape[-1]
    wide = matrices.mT if tall else matrices
    wide = (wide / (torch.linalg.matrix_norm(wide, keepdim=True) + _TINY)).to(dtype)
    first, third, fifth = _COEFFICIENTS
    for _ in range(_STEPS):
        gram = wide @ wide.mT
        polynomial = torch.baddbmm(gram, gram, gram, beta=third, alpha=fifth)
        wide = torch.baddbmm(wide, polynomial, wide, beta=first)
    found: Tensor = (wide.mT if tall else wide).float() * max(1.0, matrices.shape[-2] / matrices.shape[-1]) ** 0.5
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
    """The blocks of a matrix: `k x r x c`."""
    rows, columns = matrix.shape
    return matrix.reshape(rows // columns, columns, columns) if rows > columns and rows % columns == 0 else matrix.unsqueeze(0)
