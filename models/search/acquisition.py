"""What a candidate is worth, from the moments of its outcome: elementwise, in standardised outcomes, the larger the better.

Choosing a batch by it is in `batch.py`.
"""

from collections.abc import Callable

import torch
from botorch.acquisition.analytic import _log_ei_helper
from torch import Tensor

from models.search.surrogate import MIN_VARIANCE

Utility = Callable[[Tensor, Tensor, float], Tensor]
"""From means, variances and the best outcome so far to values, each of the means' shape."""

CONFIDENCE = 2.0
"""How many standard deviations above the mean the upper confidence bound is."""


def log_expected_improvement(mean: Tensor, variance: Tensor, best: float) -> Tensor:
    """`log E[max(f - best, 0)]` for `f ~ Normal(mean, variance)`: BoTorch's `LogExpectedImprovement` from moments.

    Ament et al., "Unexpected improvements to expected improvement for Bayesian optimization" (2023).
    """
    std = variance.clamp_min(MIN_VARIANCE).sqrt()
    improvement: Tensor = _log_ei_helper((mean - best) / std) + std.log()
    return improvement


def upper_confidence_bound(mean: Tensor, variance: Tensor, best: float) -> Tensor:
    """`mean + CONFIDENCE * std`; `best` does not matter.

    Srinivas et al., "Gaussian process optimization in the bandit setting" (2010).
    """
    return mean + CONFIDENCE * torch.sqrt(variance.clamp_min(MIN_VARIANCE))
