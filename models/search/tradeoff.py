"""Several objectives: a batch by its expected hypervolume improvement, and which observed architectures are good trade-offs.

Daulton, Balandat & Bakshy, "Parallel Bayesian optimization of multiple noisy objectives with expected hypervolume improvement"
(2021); in logarithms: Ament et al., "Unexpected improvements to expected improvement for Bayesian optimization" (2023). Objectives
that the graph itself tells take part as outcomes that are known exactly.
"""

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import torch
from botorch.acquisition.multi_objective import logei
from botorch.acquisition.multi_objective.objective import GenericMCMultiOutputObjective
from botorch.models.model import ModelList
from botorch.sampling.list_sampler import ListSampler
from botorch.sampling.normal import SobolQMCNormalSampler
from linear_operator.utils.errors import NanError, NotPSDError
from torch import Tensor

from models.architectures.architecture import Architecture
from models.search.batch import Choice
from models.search.beliefs import Beliefs
from models.search.candidates import Candidates
from models.search.dominance import best_first
from models.search.proposal import COSTS
from models.search.scales import linear_scale
from models.search.state import SearchState
from models.search.surrogate import JITTER, NotPositiveDefinite
from models.search.tabulated import TabulatedModel

SHORTLIST = 100
SHORTLIST_EACH = 4
MAX_SHORTLIST = 300
"""Candidates that take part: a hundred and four for each choice, those that are not dominated when every uncertain outcome is one
standard deviation better than expected, then those that are not without them, and so on."""

BASELINE = 50
"""Observed architectures whose outcomes make the hypervolume that is to be improved, the best trade-offs by posterior mean."""

MARGIN = 0.1
"""The hypervolume is measured from so much below the worst observed values, in standard deviations: ends of the front that are far
from its middle count, and an objective in which all are equal does not make it vanish."""

NUM_SAMPLES = {2: 64, 3: 16}
MIN_SAMPLES = 8
"""Of the joint posterior, by the number of objectives: for up to eight choices and running trials, fewer for more, since each
sample and choice takes a decomposition of what is dominated into boxes."""

# Else BoTorch compiles a kernel at the first proposal of a machine, which waits for it half a minute. A process killed meanwhile
# leaves a lock at which all later ones wait for ever, and the kernel saves a seventh of the time at most.
logei._load_attempted = True

_EXACT = 1e-10
"""The variance of an outcome that is known."""

_PURPOSE = 22

T = TypeVar("T")


def ranking(state: SearchState, beliefs: Beliefs) -> list[int]:
    """The places of observed architectures, the best trade-offs by posterior mean first, those that candidates start from.

    Those too large for the request are not among them.
    """
    small = [place for place, one in enumerate(state.measurements.architectures) if one.num_nodes <= state.limit]
    return [small[row] for row in best_first(_observed_means(state, beliefs).numpy()[small], BASELINE)]


def choose_by_hypervolume(
    state: SearchState, beliefs: Beliefs, candidates: Candidates, pending: Sequence[Architecture], count: int
) -> list[Choice]:
    """At most `count` distinct candidates, greedily by the expected improvement of the hypervolume, jointly with the ones before
    and with the `pending` architectures.

    Means and standard deviations of the choices are those of the first objective. Raises `NotPositiveDefinite`.
    """
    if len(candidates.architectures) == 0:
        return []
    means, stds = _moments(state, beliefs, candidates)
    wanted = max(min(MAX_SHORTLIST, SHORTLIST + SHORTLIST_EACH * count), count)
    shortlist = best_first((means + stds).numpy(), wanted)
    observed = _observed_means(state, beliefs)
    baseline = best_first(observed.numpy(), BASELINE)
    points = torch.cat([candidates.points[shortlist], state.observed[baseline], state.encode(pending)])
    architectures = [candidates.architectures[place] for place in shortlist]
    architectures += [*(state.measurements.architectures[place] for place in baseline), *pending]
    model = _tabulated(state, beliefs, points, _cost_outcomes(state, architectures))
    sizes = len(shortlist), len(baseline), len(pending)
    try:
        chosen = _greedily(state, beliefs, model, _in_units(state, beliefs, observed).amin(0) - MARGIN, sizes, count)
    except (NotPSDError, NanError) as error:
        raise NotPositiveDefinite(f"the joint posterior of {len(points)} points is not positive definite: {error}") from error
    places = [(shortlist[row], value) for row, value in chosen]
    return [Choice(place, float(means[place, 0]), float(stds[place, 0]), value) for place, value in places]


def _greedily(
    state: SearchState, beliefs: Beliefs, model: ModelList, reference: Tensor, sizes: tuple[int, int, int], count: int
) -> list[tuple[int, float]]:
    """The chosen rows of the shortlist with their values; the model's points are the shortlist, the baseline and what is pending,
    of these `sizes`.
    """
    offered, baseline, pending = (
        torch.arange(sum(sizes), dtype=torch.float64).unsqueeze(1).tensor_split(torch.tensor(sizes[:2]).cumsum(0))
    )
    shared = math.ceil((count + len(pending)) / MIN_SAMPLES)
    num_samples = torch.Size([max(MIN_SAMPLES, NUM_SAMPLES[len(model.models)] // shared)])
    seeds = state.rng(_PURPOSE).integers(2**31, size=len(model.models)).tolist()
    acquisition = logei.qLogNoisyExpectedHypervolumeImprovement(
        model,
        reference,
        baseline,
        sampler=ListSampler(*(SobolQMCNormalSampler(num_samples, seed) for seed in seeds)),
        objective=GenericMCMultiOutputObjective(lambda samples, X=None: _in_units(state, beliefs, samples)),
        X_pending=pending if len(pending) else None,
        cache_root=False,
    )
    chosen: list[tuple[int, float]] = []
    while len(chosen) < min(count, sizes[0]):
        values = acquisition(offered.unsqueeze(1))
        row = int(values.argmax())
        chosen.append((int(offered[row]), float(values[row])))
        pending = torch.cat([pending, offered[row : row + 1]])
        # Not offered again: with itself among what is pending its covariance would be singular.
        offered = torch.cat([offered[:row], offered[row + 1 :]])
        acquisition.set_X_pending(pending)
    return chosen


def _tabulated(state: SearchState, beliefs: Beliefs, points: Tensor, costs: Sequence[Tensor]) -> ModelList:
    """The joint posterior of every objective at the points (`n x d`), whose outcomes in the objectives that the graph tells are
    `costs` (`n` each); in the order of the request.
    """
    exact = _EXACT * torch.eye(len(points), dtype=points.dtype)
    observed = []
    for belief in beliefs.all:
        joint = belief.surrogate.posterior(points).distribution
        jitter = JITTER * belief.surrogate.process.covar_module.outputscale
        observed.append(TabulatedModel(joint.mean, joint.covariance_matrix + jitter * torch.eye(len(points), dtype=points.dtype)))
    return ModelList(*_in_order(state, observed, [TabulatedModel(outcomes, exact) for outcomes in costs]))


def _moments(state: SearchState, beliefs: Beliefs, candidates: Candidates) -> tuple[Tensor, Tensor]:
    """Means and standard deviations of the candidates' outcomes, `c x m` each."""
    costs = _cost_outcomes(state, candidates.architectures)
    moments = [belief.surrogate.moments(candidates.points) for belief in beliefs.all]
    means = _in_order(state, [mean for mean, _ in moments], costs)
    stds = _in_order(state, [variance.sqrt() for _, variance in moments], [torch.zeros_like(cost) for cost in costs])
    return torch.stack(means, dim=1), torch.stack(stds, dim=1)


def _observed_means(state: SearchState, beliefs: Beliefs) -> Tensor:
    """The expected outcomes of the observed architectures, `n x m`."""
    costs = _cost_outcomes(state, state.measurements.architectures)
    return torch.stack(_in_order(state, [belief.means for belief in beliefs.all], costs), dim=1)


def _cost_outcomes(state: SearchState, architectures: Sequence[Architecture]) -> list[Tensor]:
    """For each objective that the graph tells, the outcomes (`n`): costs in orders of magnitude, standardised by the pool."""
    told = [(objective.direction, objective.cost) for objective in state.request.further if objective.cost is not None]
    if not told:
        return []
    costs, pool = np.log(state.costs(architectures)), np.log(state.pool.costs)
    outcomes = []
    for direction, name in told:
        column, sign = COSTS.index(name), 1.0 if direction == "maximize" else -1.0
        center, spread = pool[:, column].mean(), pool[:, column].std() or 1.0
        outcomes.append(torch.from_numpy(sign * (costs[:, column] - center) / spread))
    return outcomes


def _in_units(state: SearchState, beliefs: Beliefs, outcomes: Tensor) -> Tensor:
    """Outcomes (`... x m`) on linear scales of the values themselves, in which the hypervolume is measured."""
    values = [state.measurements.values, *state.measurements.further.T]
    directions = [state.request.direction, *(objective.direction for objective in state.observed_further)]
    scales = [linear_scale(column, direction) for column, direction in zip(values, directions, strict=True)]
    columns = list(outcomes.unbind(-1))
    places = [0] + [place for place, objective in enumerate(state.request.further, 1) if objective.cost is None]
    for place, belief, scale in zip(places, beliefs.all, scales, strict=True):
        columns[place] = torch.from_numpy(scale.forward(belief.scale.inverse(columns[place].numpy())))
    return torch.stack(columns, -1)


def _in_order(state: SearchState, observed: Sequence[T], told: Sequence[T]) -> list[T]:
    """What belongs to the observed objectives, the first one first, and to those that the graph tells, in the request's order."""
    rest_observed, rest_told = iter(observed[1:]), iter(told)
    further = (next(rest_observed if objective.cost is None else rest_told) for objective in state.request.further)
    return [observed[0], *further]
