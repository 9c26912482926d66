"""Fitting the surrogate: hyperparameters of greatest posterior density by L-BFGS, inducing points, and the conditioned process."""

import math

import torch
from botorch.optim.closures.core import ForwardBackwardClosure
from botorch.optim.core import scipy_minimize
from botorch.optim.utils import get_parameters_and_bounds
from gpytorch.mlls import ExactMarginalLogLikelihood
from linear_operator.utils.errors import NotPSDError
from torch import Tensor

from models.search.inducing import select_inducing
from models.search.process import Process, from_mapping
from models.search.proposal import Hyperparameters
from models.search.surrogate import NotPositiveDefinite, Surrogate, TrainingData, condition

MAX_INDUCING = 500
"""As in the paper's experiments."""

FIT_LIMIT = 300
"""The hyperparameters are fitted to at most so many observations, spread over the space, for which the exact likelihood is cheap:
the 59 hyperparameters of a 56-dimensional latent space do not need the rest."""

_COLD_STARTS = ((0.25, 0.02), (1.0, 0.3))
"""Length-scale factor and noise: a rough function seen clearly, and a smooth one seen through noise, each a basin of its own."""

RESTART_LIMIT = 200
"""Up to so many observations a fit tries the cold starts besides the last fit, whose basin was found with fewer; the fit to more
goes on from the last alone, as the time for one proposal demands."""

_COLD_EVALUATIONS = 20
_WARM_EVALUATIONS = 10


@torch.enable_grad()
def fit(data: TrainingData, start: Hyperparameters | None) -> Surrogate:
    """The surrogate of at least one outcome, its hyperparameters fitted from those of `start` and, up to `RESTART_LIMIT` outcomes
    or without a `start`, from several defaults; the fit of greatest posterior density is kept.

    Where no fit succeeds the defaults stand. Raises `NotPositiveDefinite` when the data cannot be conditioned on even so.
    """
    dimension = data.points.shape[1]
    warm = from_mapping(start, dimension)
    starts = [] if warm is None else [(warm, _WARM_EVALUATIONS)]
    if warm is None or len(data.points) <= RESTART_LIMIT:
        starts += [(Process(dimension, *cold), _COLD_EVALUATIONS) for cold in _COLD_STARTS]
    processes = [process for process, _ in starts]
    subset = data.subset(select_inducing(processes[0], data.points, FIT_LIMIT))
    losses = [maximise_density(process, subset, evaluations) for process, evaluations in starts]
    best = min(range(len(processes)), key=losses.__getitem__)
    try:
        return _condition(data, processes[best] if math.isfinite(losses[best]) else Process(dimension))
    except NotPositiveDefinite:
        return _condition(data, Process(dimension))


def negative_density(process: Process, data: TrainingData) -> Tensor:
    """The negative logarithm of likelihood times priors, divided by the number of observations."""
    likelihood = ExactMarginalLogLikelihood(process.likelihood, process)
    density: Tensor = likelihood(process(data.points), data.outcomes, noise=data.noise_variance(process.likelihood.noise))
    return -density


def maximise_density(process: Process, data: TrainingData, evaluations: int) -> float:
    """Change the hyperparameters for at most so many evaluations, and return what `negative_density` has become.

    Infinity where it cannot be computed.
    """
    parameters, bounds = get_parameters_and_bounds(process)
    closure = ForwardBackwardClosure(lambda: negative_density(process, data), parameters)
    try:
        result = scipy_minimize(closure, parameters, bounds, options={"maxfun": evaluations, "maxiter": evaluations})
    except NotPSDError:
        return math.inf
    return float(result.fval) if math.isfinite(result.fval) else math.inf


def _condition(data: TrainingData, process: Process) -> Surrogate:
    return condition(data, data.points[select_inducing(process, data.points, MAX_INDUCING)], process)
