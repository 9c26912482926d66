"""A sparse Gaussian process on many measurements: variational, with 500 inducing points, fitted to all of them.

Hensman, Matthews & Ghahramani, "Scalable variational Gaussian process classification" (2015), and Hensman, Fusi & Lawrence,
"Gaussian processes for big data" (2013) for the natural gradient; all by GPyTorch. The search's own surrogate,
`models/search/surrogate.py`, is made for few measurements and many refits: it fits its hyperparameters to 300 of them.
"""

from dataclasses import dataclass

import gpytorch
import torch
from botorch.models.utils.gpytorch_modules import get_covar_module_with_dim_scaled_prior
from gpytorch.distributions import MultivariateNormal
from gpytorch.variational import NaturalVariationalDistribution, VariationalStrategy
from torch import Tensor

from models.evaluation.progress import Report, silent

NUM_INDUCING = 500
"""As in the paper's experiments (Section 4.3)."""

CHUNK = 4096


@dataclass(frozen=True)
class RegressionConfig:
    """How the process is fitted: steps over random batches, by natural gradients for the variational distribution and by Adam for
    the hyperparameters and the inducing points, whose rate falls to nothing at the end.
    """

    num_steps: int = 250
    batch_size: int = 1024
    learning_rate: float = 0.03
    natural_rate: float = 0.1
    num_inducing: int = NUM_INDUCING


class SparseProcess(gpytorch.models.ApproximateGP):  # type: ignore[misc]
    """A constant mean and a scaled Gaussian kernel with a length-scale a dimension, seen through `inducing`, `m x d`."""

    def __init__(self, inducing: Tensor) -> None:
        # Without noise of torch's global generator in its start.
        distribution = NaturalVariationalDistribution(len(inducing), mean_init_std=0.0)
        super().__init__(VariationalStrategy(self, inducing, distribution, learn_inducing_locations=True))
        self.mean_module = gpytorch.means.ConstantMean()
        self.covar_module = gpytorch.kernels.ScaleKernel(get_covar_module_with_dim_scaled_prior(ard_num_dims=inducing.shape[1]))
        self.covar_module.base_kernel.lengthscale = inducing.shape[1] ** 0.5

    def forward(self, points: Tensor) -> MultivariateNormal:
        return MultivariateNormal(self.mean_module(points), self.covar_module(points))


@dataclass(frozen=True, eq=False)
class SparseRegression:
    """A fitted process with the scales of its inputs (`d`) and outcomes. Build it by `fit_sparse`."""

    process: SparseProcess
    point_mean: Tensor
    point_std: Tensor
    outcome_mean: float
    outcome_std: float

    @torch.no_grad()
    def predict(self, points: Tensor) -> Tensor:
        """The expected outcomes, `n`, at `n x d` points, in the outcomes' own unit."""
        scaled = (points.float() - self.point_mean) / self.point_std
        # The factorisation that the process keeps would be of no use to another batch in training mode.
        means = [self.process(part).mean for part in torch.split(scaled, CHUNK)]
        return self.outcome_mean + self.outcome_std * torch.cat(means).double()


@torch.enable_grad()
def fit_sparse(
    points: Tensor, outcomes: Tensor, seed: int, config: RegressionConfig | None = None, report: Report = silent
) -> SparseRegression:
    """The process fitted to `outcomes` (`n`) at `points` (`n x d`), both standardised here; equal seeds give equal fits.

    Raises `ValueError` for fewer than two points and for numbers that are not finite.
    """
    config = config or RegressionConfig()
    if len(points) < 2 or not bool(torch.isfinite(points).all() and torch.isfinite(outcomes).all()):
        raise ValueError(f"expected at least 2 points with finite outcomes, got {len(points)}; leave out what was not measured")
    point_mean, point_std = points.float().mean(0), points.float().std(0).clamp_min(1e-6)
    outcome_mean, outcome_std = float(outcomes.double().mean()), max(float(outcomes.double().std()), 1e-12)
    scaled = (points.float() - point_mean) / point_std
    targets = ((outcomes.double() - outcome_mean) / outcome_std).float()
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(points), generator=generator)
    process = SparseProcess(scaled[order[: config.num_inducing]].clone())
    _optimise(process, scaled, targets, config, generator, report)
    return SparseRegression(process.eval(), point_mean, point_std, outcome_mean, outcome_std)


def _optimise(
    process: SparseProcess, points: Tensor, targets: Tensor, config: RegressionConfig, generator: torch.Generator, report: Report
) -> None:
    likelihood = gpytorch.likelihoods.GaussianLikelihood()
    likelihood.noise = 0.1
    bound = gpytorch.mlls.VariationalELBO(likelihood, process, num_data=len(points))
    natural = gpytorch.optim.NGD(process.variational_parameters(), num_data=len(points), lr=config.natural_rate)
    adam = torch.optim.Adam([*process.hyperparameters(), *likelihood.parameters()], lr=config.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(adam, config.learning_rate, total_steps=config.num_steps)
    process.train()
    for step in range(config.num_steps):
        rows = torch.randint(len(points), (min(config.batch_size, len(points)),), generator=generator)
        natural.zero_grad()
        adam.zero_grad()
        loss = -bound(process(points[rows]), targets[rows])
        loss.backward()
        natural.step()
        adam.step()
        schedule.step()
        report("fitting the Gaussian process", step + 1, config.num_steps)
