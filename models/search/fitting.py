"""Fitting the surrogate: hyperparameters of greatest posterior density by L-BFGS, inducing points, and the conditioned process."""

import math
from contextlib import suppress

import torch
from botorch.optim.closures.core import ForwardBackwardClosure
from botorch.optim.core import scipy_minimize
from botorch.optim.utils import get_parameters_and_bounds
from linear_operator.utils.cholesky import psd_safe_cholesky
from linear_operator.utils.errors import NanError, NotPSDError
from torch import Tensor

from models.search.inducing import select_inducing
from models.search.process import Process, from_mapping
from models.search.proposal import Hyperparameters
from models.search.surrogate import NotPositiveDefinite, Surrogate, TrainingData, condition

MAX_INDUCING = 500
"""As in the paper's experiments."""

FIT_LIMIT = 200
"""The hyperparameters are fitted to at most so many observations, evenly from the first to the last, for which the exact likelihood
is cheap: a few dozen hyperparameters do not need the rest."""

_COLD_STARTS = ((1.0, 0.02), (4.0, 0.3))
"""Length-scale and noise: a rough function seen clearly, and a smooth one seen through noise, each a basin of its own."""

RESTART_LIMIT = 200
RESTART_EVERY = 5
FEW = 20
"""A fit tries the cold starts besides the last fit, whose basin was found with fewer observations: always while these are few, then
once for every five of them, up to a limit. The others go on from the last fit alone, as the time for one proposal demands."""

HOLD_SHARE, MAX_HELD = 0.02, 20
"""Beyond `FIT_LIMIT` observations the last fit stands until there are more by this share, as so few new ones change little, and for
at most so many proposals: a long study may show the search as many observations each time, and others."""

FITTED_TO, HELD = "fitted_to", "held"
"""The names, among the hyperparameters, of the number of observations that they were fitted to, and of the number of proposals for
which they were taken as they are since."""

_COLD_EVALUATIONS = 20
_WARM_EVALUATIONS = 10


@torch.enable_grad()
def fit(data: TrainingData, start: Hyperparameters | None, groups: Tensor) -> Surrogate:
    """The surrogate of at least one outcome, its hyperparameters fitted from those of `start` and, without it or where `restarts`
    says so, from several defaults; the fit of greatest posterior density is kept.

    `groups` (`d`) says which columns of the points share a length-scale. Where `holds` says so the hyperparameters of `start` are
    taken as they are. Where no fit succeeds the defaults stand. Raises `NotPositiveDefinite` when the data cannot be conditioned on
    even so.
    """
    warm, last = from_mapping(start, groups), _number(start, FITTED_TO)
    if warm is not None and holds(len(data.points), start):
        with suppress(NotPositiveDefinite):
            return _condition(data, warm)
    starts = [] if warm is None else [(warm, _WARM_EVALUATIONS)]
    if warm is None or restarts(len(data.points), last):
        starts += [(Process(groups, *cold), _COLD_EVALUATIONS) for cold in _COLD_STARTS]
    processes = [process for process, _ in starts]
    size = len(data.points)
    subset = data.subset(torch.linspace(0, size - 1, min(size, FIT_LIMIT), dtype=torch.float64).long())
    losses = [maximise_density(process, subset, evaluations) for process, evaluations in starts]
    best = min(range(len(processes)), key=losses.__getitem__)
    try:
        return _condition(data, processes[best] if math.isfinite(losses[best]) else Process(groups))
    except NotPositiveDefinite:
        return _condition(data, Process(groups))


def holds(num_outcomes: int, start: Hyperparameters | None) -> bool:
    """Whether hyperparameters fitted before are good enough for so many outcomes."""
    last, held = _number(start, FITTED_TO), _number(start, HELD)
    return num_outcomes > FIT_LIMIT and last <= num_outcomes < (1.0 + HOLD_SHARE) * last and held < MAX_HELD


def record(num_outcomes: int, start: Hyperparameters | None) -> Hyperparameters:
    """What is to be stored with the hyperparameters of a fit that went on from `start`."""
    if holds(num_outcomes, start):
        return {FITTED_TO: (float(_number(start, FITTED_TO)),), HELD: (_number(start, HELD) + 1.0,)}
    return {FITTED_TO: (float(num_outcomes),), HELD: (0.0,)}


def _number(start: Hyperparameters | None, name: str) -> int:
    return int(min((start or {}).get(name, (0.0,)), default=0.0))


def restarts(num_outcomes: int, last: int) -> bool:
    """Whether a fit to so many outcomes looks for other basins than that of the fit to the `last` number of them."""
    passed_a_fifth = num_outcomes // RESTART_EVERY != last // RESTART_EVERY
    return num_outcomes <= FEW or (num_outcomes <= RESTART_LIMIT and passed_a_fifth)


def negative_density(process: Process, data: TrainingData) -> Tensor:
    """The negative logarithm of likelihood times priors, divided by the number of observations.

    GPyTorch's `ExactMarginalLogLikelihood` says the same and takes longer.
    """
    covariance = process.covariance(data.points, data.points) + data.noise_variance(process.likelihood.noise).diag()
    factor = psd_safe_cholesky(covariance)
    residuals = (data.outcomes - process.mean_module(data.points)).unsqueeze(1)
    whitened = torch.linalg.solve_triangular(factor, residuals, upper=False)
    size = len(data.outcomes)
    loss = 0.5 * whitened.square().sum() + factor.diagonal().log().sum() + 0.5 * size * math.log(2.0 * math.pi)
    for _, module, prior, value, _ in process.named_priors():
        loss = loss - prior.log_prob(value(module)).sum()
    density: Tensor = loss / size
    return density


def maximise_density(process: Process, data: TrainingData, evaluations: int) -> float:
    """Change the hyperparameters for at most so many evaluations, and return what `negative_density` has become.

    Infinity where it cannot be computed.
    """
    parameters, bounds = get_parameters_and_bounds(process)
    closure = ForwardBackwardClosure(lambda: negative_density(process, data), parameters)
    try:
        result = scipy_minimize(closure, parameters, bounds, options={"maxfun": evaluations, "maxiter": evaluations})
    except (NotPSDError, NanError):
        return math.inf
    return float(result.fval) if math.isfinite(result.fval) else math.inf


def _condition(data: TrainingData, process: Process) -> Surrogate:
    return condition(data, data.points[select_inducing(process, data.points, MAX_INDUCING)], process)
