"""Choosing a batch from candidates: greedily by log expected improvement, each choice conditioned on the ones before it.

Running trials and earlier choices are fantasies at their posterior mean ("kriging believer": Ginsbourger, Le Riche & Carraro,
"Kriging is well-suited to parallelize optimization", 2010), so that conditioning changes the covariance only, each by a rank-one
update.
"""

from typing import NamedTuple

import torch
from botorch.acquisition.analytic import _log_ei_helper
from torch import Tensor

from models.search.surrogate import MIN_VARIANCE, Surrogate

SHORTLIST = 1000
"""The candidates of greatest unconditioned improvement that take part. Conditioning only lowers a value, so that nothing is lost
as long as what is chosen stays above the last of the list."""


class Choice(NamedTuple):
    """One chosen candidate: its place, posterior mean and standard deviation given the observations alone, and its log expected
    improvement given the fantasies too; all in standardised outcomes.
    """

    place: int
    mean: float
    std: float
    value: float


def log_expected_improvement(mean: Tensor, variance: Tensor, best: float) -> Tensor:
    """`log E[max(f - best, 0)]` for `f ~ Normal(mean, variance)`, elementwise: BoTorch's `LogExpectedImprovement` from moments."""
    std = variance.clamp_min(MIN_VARIANCE).sqrt()
    improvement: Tensor = _log_ei_helper((mean - best) / std) + std.log()
    return improvement


def choose_batch(surrogate: Surrogate, candidates: Tensor, pending: Tensor, best: float, count: int) -> list[Choice]:
    """At most `count` distinct candidates (`c x d`), given fantasies at `pending` (`p x d`) and the best outcome so far."""
    if len(candidates) == 0:
        return []
    mean, variance = surrogate.moments(candidates)
    values = log_expected_improvement(mean, variance, best)
    shortlist = values.topk(min(max(SHORTLIST, 2 * count), len(values))).indices
    size = len(shortlist)
    joint = surrogate.posterior(torch.cat([candidates[shortlist], pending])).distribution
    believed, covariance = joint.mean, joint.covariance_matrix
    noise = surrogate.process.likelihood.noise
    for row in range(size, size + len(pending)):
        best = max(best, float(believed[row]))
        _believe(covariance, row, noise)
    taken = torch.zeros(size, dtype=torch.bool)
    choices: list[Choice] = []
    while len(choices) < min(count, size):
        values = log_expected_improvement(believed[:size], covariance.diagonal()[:size], best).masked_fill(taken, -torch.inf)
        row = int(values.argmax())
        place = int(shortlist[row])
        choices.append(Choice(place, float(mean[place]), float(variance[place].sqrt()), float(values[row])))
        taken[row] = True
        best = max(best, choices[-1].mean)
        _believe(covariance, row, noise)
    return choices


def _believe(covariance: Tensor, row: int, noise: Tensor) -> None:
    """Condition the `n x n` covariance, in place, on a noisy observation of one of its points."""
    update = covariance[row] / (covariance[row, row] + noise).sqrt()
    covariance.addr_(update, update, alpha=-1.0)
