"""Choosing a batch from candidates: greedily by a utility, by samples of the posterior, or the best by given scores.

Greedily each choice is conditioned on the ones before it. Running trials and earlier choices are fantasies at their posterior mean
("kriging believer": Ginsbourger, Le Riche & Carraro, "Kriging is well-suited to parallelize optimization", 2010), so that
conditioning changes the covariance only, each by a rank-one update.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from models.search.acquisition import Utility, upper_confidence_bound
from models.search.surrogate import JITTER, Surrogate, cholesky

SHORTLIST = 1000
"""At most so many candidates of greatest unconditioned utility take part. Conditioning only lowers a value, so that nothing is
lost as long as what is chosen stays above the last of the list."""

SHORTLIST_EACH = 20
"""So many for each choice and each running trial, and a hundred more: the covariance is dense."""


class Choice(NamedTuple):
    """One chosen candidate: its place, posterior mean and standard deviation given the observations alone, and what it was chosen
    by, for a utility given the fantasies too; all in standardised outcomes.
    """

    place: int
    mean: float
    std: float
    value: float


def choose_greedily(
    surrogate: Surrogate, candidates: Tensor, pending: Tensor, best: float, count: int, utility: Utility
) -> list[Choice]:
    """At most `count` distinct candidates (`c x d`), given fantasies at `pending` (`p x d`) and the best outcome so far."""
    if len(candidates) == 0:
        return []
    mean, variance = surrogate.moments(candidates)
    shortlist = _shortlist(utility(mean, variance, best), 100 + SHORTLIST_EACH * (count + len(pending)), count)
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
        values = utility(believed[:size], covariance.diagonal()[:size], best).masked_fill(taken, -torch.inf)
        row = int(values.argmax())
        place = int(shortlist[row])
        choices.append(Choice(place, float(mean[place]), float(variance[place].sqrt()), float(values[row])))
        taken[row] = True
        best = max(best, choices[-1].mean)
        _believe(covariance, row, noise)
    return choices


def choose_by_samples(surrogate: Surrogate, candidates: Tensor, count: int, generator: torch.Generator) -> list[Choice]:
    """At most `count` distinct candidates (`c x d`), each the best of a sample of the joint posterior: Thompson sampling.

    Its value is that of the sample. What is running need not be conditioned on: other samples have other maxima. Kandasamy et al.,
    "Parallelised Bayesian optimisation via Thompson sampling" (2018). Raises `NotPositiveDefinite`.
    """
    if len(candidates) == 0:
        return []
    mean, variance = surrogate.moments(candidates)
    shortlist = _shortlist(upper_confidence_bound(mean, variance, 0.0), SHORTLIST, count)
    joint = surrogate.posterior(candidates[shortlist]).distribution
    noise = torch.randn(len(shortlist), min(count, len(shortlist)), generator=generator, dtype=mean.dtype)
    jitter = JITTER * surrogate.process.covar_module.outputscale * torch.eye(len(shortlist), dtype=mean.dtype)
    samples = joint.mean[:, None] + cholesky(joint.covariance_matrix + jitter) @ noise  # shortlist x count
    choices: list[Choice] = []
    for sample in samples.T:
        row = int(sample.argmax())
        place = int(shortlist[row])
        choices.append(Choice(place, float(mean[place]), float(variance[place].sqrt()), float(sample[row])))
        samples[row] = -torch.inf
    return choices


def choose_best(surrogate: Surrogate, candidates: Tensor, scores: Tensor, count: int) -> list[Choice]:
    """The `count` candidates (`c x d`) of the greatest `scores` (`c`), which are their values."""
    places = scores.topk(min(count, len(scores))).indices
    mean, variance = surrogate.moments(candidates[places]) if len(places) else (scores, scores)
    rows = zip(places.tolist(), mean.tolist(), variance.sqrt().tolist(), scores[places].tolist(), strict=True)
    return [Choice(*row) for row in rows]


def _shortlist(values: Tensor, wanted: int, count: int) -> Tensor:
    return values.topk(min(max(min(wanted, SHORTLIST), 2 * count), len(values))).indices


def _believe(covariance: Tensor, row: int, noise: Tensor) -> None:
    """Condition the `n x n` covariance, in place, on a noisy observation of one of its points."""
    update = covariance[row] / (covariance[row, row] + noise).sqrt()
    covariance.addr_(update, update, alpha=-1.0)
