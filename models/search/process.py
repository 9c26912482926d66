"""The Gaussian process before it has seen data, made of GPyTorch's and BoTorch's parts: kernel, mean and noise, each with its prior
and bounds, and the JSON form of their hyperparameters.

Fitting them is in `fitting.py`, conditioning on data in `surrogate.py`.
"""

from typing import Any

import torch
import torch.fx.experimental.symbolic_shapes  # the first kernel would import it, and the first proposal wait for that
from botorch.models.utils.gpytorch_modules import get_gaussian_likelihood_with_lognormal_prior
from botorch.utils.constraints import LogTransformedInterval, NonTransformedInterval
from gpytorch.distributions import MultivariateNormal
from gpytorch.kernels import Kernel, ScaleKernel
from gpytorch.means import ConstantMean
from gpytorch.models import GP
from gpytorch.priors import LogNormalPrior, NormalPrior
from torch import Tensor

from models.search.proposal import Hyperparameters

LENGTHSCALE_PRIOR = (2.0, 1.0)
"""Of the logarithm: mode 2.7, median 7.4. It was chosen among modes of 0.4, 1.3, 2.7 and 5.5 on two tables, by the search."""

OUTPUTSCALE_PRIOR = (1.0, 1.0)
"""Of the logarithm: mode 1, the variance of standardised outcomes."""

MIN_NOISE = 1e-4
"""The least noise variance of a standardised outcome; also the floor of variances that observers give."""

_TINY = 1e-20

_NAMES = {
    "covar_module.base_kernel.raw_lengthscale": "lengthscales",
    "covar_module.raw_outputscale": "outputscale",
    "likelihood.noise_covar.raw_noise": "noise",
    "mean_module.raw_constant": "mean",
}


class GroupedMatern(Kernel):  # type: ignore[misc]
    """A Matérn-5/2 kernel whose columns share length-scales: column i has that of number `groups[i]` (`d`, integers from 0 on).

    Two random points are expected to be 1 apart in each block of columns. A group that says nothing can be stretched until it does
    not count: automatic relevance determination.
    """

    has_lengthscale = True
    groups: Tensor

    def __init__(self, groups: Tensor, lengthscale: float) -> None:
        interval = LogTransformedInterval(0.01, 1e4, initial_value=lengthscale)
        prior = LogNormalPrior(*LENGTHSCALE_PRIOR)
        super().__init__(ard_num_dims=int(groups.max()) + 1, lengthscale_prior=prior, lengthscale_constraint=interval)
        self.register_buffer("groups", groups)

    def forward(self, x1: Tensor, x2: Tensor, diag: bool = False, **params: Any) -> Tensor:
        lengthscale = self.lengthscale[..., self.groups]  # 1 x d
        left, right = x1 / lengthscale, x2 / lengthscale
        squares = (left - right).square().sum(-1) if diag else _squared_distances(left, right)
        distance = (5.0 * squares).clamp_min(_TINY).sqrt()  # at least so much that the root has a gradient
        covariance: Tensor = (1.0 + distance + distance.square() / 3.0) * torch.exp(-distance)
        return covariance


def _squared_distances(left: Tensor, right: Tensor) -> Tensor:
    """`... x n x k`, of `... x n x d` and `... x k x d`, by one product; exact to the rounding of the points' squares."""
    norms = left.square().sum(-1, keepdim=True) + right.square().sum(-1).unsqueeze(-2)
    return norms - 2.0 * (left @ right.mT)


class Process(GP):  # type: ignore[misc]
    """A constant mean, a scaled Matérn-5/2 kernel with a length-scale for each group of inputs, and Gaussian noise; float64.

    `groups` is `d`, see `GroupedMatern`. The prior of the noise is that of Hvarfner et al., "Vanilla Bayesian optimization performs
    great in high dimensions" (2024). Positive quantities are optimised as logarithms, since their scales differ by orders of
    magnitude. It starts from one `lengthscale` for all and the noise variance `noise`.
    """

    def __init__(self, groups: Tensor, lengthscale: float = 1.0, noise: float = 0.02) -> None:
        super().__init__()
        outputscale = LogTransformedInterval(0.05, 20.0, initial_value=1.0)
        kernel = GroupedMatern(groups, lengthscale)
        self.covar_module = ScaleKernel(
            kernel, outputscale_prior=LogNormalPrior(*OUTPUTSCALE_PRIOR), outputscale_constraint=outputscale
        )
        self.mean_module = ConstantMean(NormalPrior(0.0, 1.0), NonTransformedInterval(-5.0, 5.0, initial_value=0.0))
        self.likelihood = get_gaussian_likelihood_with_lognormal_prior()
        self.likelihood.noise_covar.register_constraint("raw_noise", LogTransformedInterval(MIN_NOISE, 2.0, initial_value=noise))
        self.double()

    def forward(self, points: Tensor) -> MultivariateNormal:
        """The prior distribution of the noiseless outcomes at `... x n x d` points."""
        return MultivariateNormal(self.mean_module(points), self.covar_module(points))

    def covariance(self, left: Tensor, right: Tensor) -> Tensor:
        """The prior covariances `... x n x k` of `... x n x d` with `... x k x d` points.

        Straight from the kernel: GPyTorch's lazy tensors take longer than the matrix of a few hundred points.
        """
        covariance: Tensor = self.covar_module.outputscale * self.covar_module.base_kernel.forward(left, right)
        return covariance


def to_mapping(process: Process) -> Hyperparameters:
    """The JSON form of the hyperparameters, which is stored with a study."""
    parameters = process.named_parameters_and_constraints()
    return {_NAMES[name]: tuple(constraint.transform(raw).flatten().tolist()) for name, raw, constraint in parameters}


@torch.no_grad()
def from_mapping(mapping: Hyperparameters | None, groups: Tensor) -> Process | None:
    """The process with the hyperparameters of a JSON form, brought within the bounds.

    None where there are none or where they are not those of a process with such groups: a fit then starts afresh.
    """
    process = Process(groups)
    for name, raw, constraint in process.named_parameters_and_constraints():
        values = torch.tensor((mapping or {}).get(_NAMES[name], ()), dtype=raw.dtype)
        low, high = constraint
        has_logarithm = float(low) <= 0.0 or bool((values > 0.0).all())
        if values.shape != (raw.numel(),) or not bool(torch.isfinite(values).all()) or not has_logarithm:
            return None
        raw.copy_(constraint.inverse_transform(values.clamp(low, high)).view_as(raw))
    return process
