"""The sparse Gaussian process (FITC) as a BoTorch model, in float64, so that BoTorch's acquisition functions run on it.

Snelson & Ghahramani, "Sparse Gaussian processes using pseudo-inputs" (2005); Quiñonero-Candela & Rasmussen, "A unifying view of
sparse approximate Gaussian process regression" (2005), section 6. With all data as inducing points it is the exact process.
In closed form, because a training step of GPyTorch's `InducingPointKernel` takes ten times as long. The process without data is in
`process.py`, its fit in `fitting.py`.
"""

from typing import NamedTuple

import torch
from botorch.acquisition.objective import PosteriorTransform
from botorch.models.model import Model
from botorch.posteriors import GPyTorchPosterior
from gpytorch.distributions import MultivariateNormal
from linear_operator import to_linear_operator
from linear_operator.utils.cholesky import psd_safe_cholesky
from linear_operator.utils.errors import NanError, NotPSDError
from torch import Tensor

from models.search.process import MIN_NOISE, Process

CHUNK = 1024
"""Rows at once: the few matrices that a row of theirs takes part in stay in the processor's cache."""
JITTER = 1e-6
"""What is added to the diagonal of the inducing points' covariance, in units of the output scale: points may coincide."""

MIN_VARIANCE = 1e-10
"""The least that GPyTorch's distributions take for a variance."""


class NotPositiveDefinite(ArithmeticError):
    """A covariance matrix could not be factorised, even with GPyTorch's jitter."""


class TrainingData(NamedTuple):
    """Input points (`n x d`, one architecture a row), and for each its standardised outcome (`n`), the number of replicates
    behind it (`n`), and the known variance of that outcome (`n`), NaN where the noise is inferred.
    """

    points: Tensor
    outcomes: Tensor
    counts: Tensor
    known_variance: Tensor

    def subset(self, indices: Tensor) -> "TrainingData":
        return TrainingData(*(column[indices] for column in self))

    def noise_variance(self, noise: Tensor) -> Tensor:
        """The noise variance of each outcome (`n`), when `noise` is that of a single observation of unknown variance."""
        inferred = noise / self.counts
        return torch.where(self.known_variance.isnan(), inferred, self.known_variance.nan_to_num(0.0).clamp_min(MIN_NOISE))


class Surrogate(Model):  # type: ignore[misc]
    """The process given the data: `f(x) ~ Normal(mean + k(x)' weights, k(x, x) - k(x)' reduction k(x))` with `k(x) = K_mx`.

    `inducing` is `m x d`, `weights` is `m`, `reduction` `m x m`. Build it by `condition`; the process becomes constant.
    """

    num_outputs = 1
    batch_shape = torch.Size()
    inducing: Tensor
    weights: Tensor
    reduction: Tensor

    def __init__(self, process: Process, inducing: Tensor, weights: Tensor, reduction: Tensor) -> None:
        super().__init__()
        self.process = process.requires_grad_(False)
        self.register_buffer("inducing", inducing)
        self.register_buffer("weights", weights)
        self.register_buffer("reduction", reduction)

    def posterior(
        self,
        X: Tensor,
        output_indices: list[int] | None = None,
        observation_noise: bool | Tensor = False,
        posterior_transform: PosteriorTransform | None = None,
    ) -> GPyTorchPosterior:
        """The joint posterior of the outcomes at `... x q x d` points, differentiable in them, as BoTorch's models define it.

        With `observation_noise` of single observations of inferred variance, or, as a tensor `... x q x 1`, of the given one.
        """
        cross = self.process.covariance(X.flatten(0, -2), self.inducing).unflatten(0, X.shape[:-1])  # ... x q x m
        covariance = self.process.covariance(X, X) - cross @ self.reduction @ cross.mT
        covariance.diagonal(dim1=-2, dim2=-1).clamp_(min=MIN_VARIANCE)
        distribution = MultivariateNormal(self.process.mean_module(X) + cross @ self.weights, to_linear_operator(covariance))
        if isinstance(observation_noise, Tensor):
            distribution = self.process.likelihood(distribution, noise=observation_noise.squeeze(-1))
        elif observation_noise:
            distribution = self.process.likelihood(distribution)
        posterior = GPyTorchPosterior(distribution)
        return posterior if posterior_transform is None else posterior_transform(posterior)

    def means(self, points: Tensor) -> Tensor:
        """The posterior means (`n`) at `n x d` points, without what variances cost."""
        mean: Tensor = self.process.mean_module(points) + self.process.covariance(points, self.inducing) @ self.weights
        return mean

    def moments(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """The posterior means and variances (`n` each) of the noiseless outcome at `n x d` points, each by itself."""
        means, variances = [], []
        for chunk in torch.split(points, CHUNK):
            cross = self.process.covariance(chunk, self.inducing)  # chunk x m
            means.append(self.process.mean_module(chunk) + cross @ self.weights)
            explained = (cross @ self.reduction * cross).sum(-1)
            variances.append((self.process.covar_module.outputscale - explained).clamp_min(MIN_VARIANCE))
        return torch.cat(means), torch.cat(variances)


@torch.no_grad()
def condition(data: TrainingData, inducing: Tensor, process: Process) -> Surrogate:
    """The process given the data through the `m x d` inducing points.

    With `Q = K_nm K_mm^-1 K_mn` the outcomes are `Normal(mean, Q + D)`, `D = diag(K_nn - Q) + noise`. Raises
    `NotPositiveDefinite` when the covariance of the inducing points cannot be factorised.
    """
    outputscale = process.covar_module.outputscale
    identity = torch.eye(len(inducing), dtype=inducing.dtype)
    factor = cholesky(process.covariance(inducing, inducing) + JITTER * outputscale * identity)
    inverse = torch.linalg.solve_triangular(factor, identity, upper=False)  # L^-1, m x m
    whitened = inverse @ process.covariance(inducing, data.points)  # A = L^-1 K_mn, m x n
    correction = (outputscale - whitened.square().sum(0)).clamp_min(0.0)
    diagonal = correction + data.noise_variance(process.likelihood.noise)  # D, n
    weighted = whitened / diagonal
    inner_factor = cholesky(weighted @ whitened.T + identity)  # of B = I + A D^-1 A'
    inner = torch.linalg.solve_triangular(inner_factor, inverse, upper=False)  # m x m
    projected = torch.linalg.solve_triangular(
        inner_factor, (weighted @ (data.outcomes - process.mean_module(data.points)))[:, None], upper=False
    )
    return Surrogate(process, inducing, (inner.T @ projected)[:, 0], inverse.T @ inverse - inner.T @ inner)


def cholesky(matrix: Tensor) -> Tensor:
    """The lower factor of a covariance matrix, with as much jitter as it takes. Raises `NotPositiveDefinite`."""
    try:
        factor: Tensor = psd_safe_cholesky(matrix)
    except (NotPSDError, NanError) as error:
        raise NotPositiveDefinite(f"a {len(matrix)} x {len(matrix)} covariance is not positive definite: {error}") from error
    return factor
