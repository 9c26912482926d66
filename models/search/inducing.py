"""Choosing inducing points: greedily by conditional variance, which is a pivoted Cholesky factorisation.

Burt, Rasmussen & van der Wilk, "Convergence of sparse variational inference in Gaussian process regression" (2020), section 4.1.
LAPACK's factorisation finds the order of BoTorch's `GreedyVarianceReduction` without a loop in Python.
"""

import torch
from scipy.linalg.lapack import dpstrf
from threadpoolctl import ThreadpoolController
from torch import Tensor

from models.search.process import Process

MAX_CONSIDERED = 2000
"""Among so many points, evenly over all, the choice is made: their covariance is dense, and time and memory stay bounded."""

_DETERMINED = 1e-6

_LIBRARIES = ThreadpoolController()


@torch.no_grad()
def select_inducing(process: Process, points: Tensor, limit: int) -> Tensor:
    """The indices of at most `limit` of the `n x d` points, each the one of greatest variance given those before it.

    Fewer are chosen when the rest is determined by them but for a millionth of the prior variance; ties go to the lower index.
    """
    if len(points) <= limit:
        return torch.arange(len(points))
    considered = torch.linspace(0, len(points) - 1, min(len(points), MAX_CONSIDERED), dtype=torch.float64).long()
    correlation = process.covariance(points[considered], points[considered]) / process.covar_module.outputscale
    # SciPy's threads would go on spinning for a while, and take the cores from torch's: conditioning then takes twice as long.
    with _LIBRARIES.limit(limits=1, user_api="blas"):
        _, pivots, rank, _ = dpstrf(correlation.numpy(), tol=_DETERMINED)
    return considered[torch.from_numpy(pivots[: min(rank, limit)]).long() - 1]
