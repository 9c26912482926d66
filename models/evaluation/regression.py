"""From latent points to predicted outcomes: the exact process of the search for few measurements, the sparse one for many."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from models.evaluation.progress import Report, silent
from models.evaluation.sparse_regression import NUM_INDUCING, fit_sparse
from models.search.fitting import fit
from models.search.surrogate import Surrogate, TrainingData


class Regression(Protocol):
    """Something fitted to outcomes at latent points."""

    def predict(self, points: Tensor) -> Tensor:
        """The expected outcomes, `n`, float64, at `n x d` points, in the outcomes' own unit."""
        ...


def fit_regression(points: Tensor, outcomes: Tensor, seed: int, report: Report = silent) -> Regression:
    """A Gaussian process fitted to `outcomes` (`n`) at `points` (`n x d`). Equal seeds give equal fits.

    Up to as many measurements as there are inducing points nothing need be sparse. Raises `ValueError` for fewer than two points
    and for numbers that are not finite.
    """
    if len(points) > NUM_INDUCING:
        return fit_sparse(points, outcomes, seed, report=report)
    if len(points) < 2 or not bool(torch.isfinite(points).all() and torch.isfinite(outcomes).all()):
        raise ValueError(f"expected at least 2 points with finite outcomes, got {len(points)}; leave out what was not measured")
    report("fitting the Gaussian process", 0, 1)
    fitted = _fit_exact(points.double(), outcomes.double())
    report("fitting the Gaussian process", 1, 1)
    return fitted


@dataclass(frozen=True, eq=False)
class ExactRegression:
    """The search's surrogate, with a length-scale for each of the `d` inputs, and the scales of its inputs and outcomes."""

    surrogate: Surrogate
    point_mean: Tensor
    point_scale: Tensor
    outcome_mean: Tensor
    outcome_std: Tensor

    @torch.no_grad()
    def predict(self, points: Tensor) -> Tensor:
        means, _ = self.surrogate.moments((points.double() - self.point_mean) / self.point_scale)
        return self.outcome_mean + self.outcome_std * means


def _fit_exact(points: Tensor, outcomes: Tensor) -> ExactRegression:
    # Two random points are 1 apart, as the kernel's priors expect.
    point_mean, point_scale = points.mean(0), (2.0 * points.var(dim=0).sum()).sqrt().clamp_min(1e-6)
    outcome_mean, outcome_std = outcomes.mean(), outcomes.std().clamp_min(1e-12)
    ones = torch.ones_like(outcomes)
    scaled, standardised = (points - point_mean) / point_scale, (outcomes - outcome_mean) / outcome_std
    each_its_own = torch.arange(points.shape[1])
    surrogate = fit(TrainingData(scaled, standardised, ones, ones * torch.nan), None, each_its_own)
    return ExactRegression(surrogate, point_mean, point_scale, outcome_mean, outcome_std)
