"""The Gaussian process before it has seen data, made of GPyTorch's and BoTorch's parts: kernel, mean and noise, each with its prior
and bounds, and the JSON form of their hyperparameters.

Fitting them is in `fitting.py`, conditioning on data in `surrogate.py`.
"""

import math

import torch
from botorch.models.utils.gpytorch_modules import (
    get_covar_module_with_dim_scaled_prior,
    get_gaussian_likelihood_with_lognormal_prior,
)
from botorch.utils.constraints import LogTransformedInterval, NonTransformedInterval
from gpytorch.distributions import MultivariateNormal
from gpytorch.kernels import ScaleKernel
from gpytorch.means import ConstantMean
from gpytorch.models import GP
from gpytorch.priors import LogNormalPrior, NormalPrior
from torch import Tensor

from models.search.proposal import Hyperparameters

MIN_NOISE = 1e-4
"""The least noise variance of a standardised outcome; also the floor of variances that observers give."""

_NAMES = {
    "covar_module.base_kernel.raw_lengthscale": "lengthscale",
    "covar_module.raw_outputscale": "outputscale",
    "likelihood.noise_covar.raw_noise": "noise",
    "mean_module.raw_constant": "mean",
}


class Process(GP):  # type: ignore[misc]
    """A constant mean, a scaled Matérn-5/2 kernel with ARD over `dimension` inputs, and Gaussian noise; float64.

    The priors of length-scales and noise are those of Hvarfner et al., "Vanilla Bayesian optimization performs great in high
    dimensions" (2024): the first grows with the dimension so that the complexity of the model does not. Positive quantities are
    optimised as logarithms, since their scales differ by orders of magnitude. It starts from length-scales of
    `lengthscale_factor * sqrt(dimension)` and the noise variance `noise`.
    """

    def __init__(self, dimension: int, lengthscale_factor: float = 0.25, noise: float = 0.02) -> None:
        super().__init__()
        lengthscale = lengthscale_factor * math.sqrt(dimension)
        kernel = get_covar_module_with_dim_scaled_prior(ard_num_dims=dimension, use_rbf_kernel=False)
        kernel.register_constraint("raw_lengthscale", LogTransformedInterval(0.025, 1e4, initial_value=lengthscale))
        outputscale = LogTransformedInterval(0.05, 20.0, initial_value=1.0)
        self.covar_module = ScaleKernel(kernel, outputscale_prior=LogNormalPrior(0.0, 1.0), outputscale_constraint=outputscale)
        self.mean_module = ConstantMean(NormalPrior(0.0, 1.0), NonTransformedInterval(-5.0, 5.0, initial_value=0.0))
        self.likelihood = get_gaussian_likelihood_with_lognormal_prior()
        self.likelihood.noise_covar.register_constraint("raw_noise", LogTransformedInterval(MIN_NOISE, 2.0, initial_value=noise))
        self.double()

    def forward(self, points: Tensor) -> MultivariateNormal:
        """The prior distribution of the noiseless outcomes at `... x n x d` points."""
        return MultivariateNormal(self.mean_module(points), self.covar_module(points))

    def covariance(self, left: Tensor, right: Tensor) -> Tensor:
        """The prior covariances `... x n x k` of `... x n x d` with `... x k x d` points."""
        covariance: Tensor = self.covar_module(left, right).to_dense()
        return covariance


def to_mapping(process: Process) -> Hyperparameters:
    """The JSON form of the hyperparameters, which is stored with a study."""
    parameters = process.named_parameters_and_constraints()
    return {_NAMES[name]: tuple(constraint.transform(raw).flatten().tolist()) for name, raw, constraint in parameters}


@torch.no_grad()
def from_mapping(mapping: Hyperparameters | None, dimension: int) -> Process | None:
    """The process with the hyperparameters of a JSON form, brought within the bounds.

    None where there are none or where they are not those of a process in `dimension` dimensions: a fit then starts afresh.
    """
    process = Process(dimension)
    for name, raw, constraint in process.named_parameters_and_constraints():
        values = torch.tensor((mapping or {}).get(_NAMES[name], ()), dtype=raw.dtype)
        low, high = constraint
        has_logarithm = float(low) <= 0.0 or bool((values > 0.0).all())
        if values.shape != (raw.numel(),) or not bool(torch.isfinite(values).all()) or not has_logarithm:
            return None
        raw.copy_(constraint.inverse_transform(values.clamp(low, high)).view_as(raw))
    return process
