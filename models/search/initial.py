"""The initial design: the architectures that tell most about the rest of the space, before there is anything to fit."""

import torch
from torch import Tensor

from models.architectures.architecture import Architecture
from models.search.process import Process
from models.search.state import SearchState
from models.search.surrogate import NotPositiveDefinite, TrainingData, condition

POOL_SIZE = 1024
POOL_SHARE = 0.25
"""The design is chosen among so many random members of the pool, of a small one among such a share of it or ten times as many as
are chosen, so that studies with different seeds start differently."""

MAX_DESIGNED = 200
"""Beyond so many at once the members come in random order: there are few left that tell much."""

MAX_ANCHORS = 1000
"""Of trials that there are already, so many count."""

_LENGTHSCALE, _NOISE = 1.5, 0.02
"""Of the process that is assumed before it can be fitted, between rough and smooth."""

_PURPOSE = 1


def initial_design(state: SearchState, count: int) -> list[Architecture]:
    """At most `count` unseen architectures of the pool, those that lower the uncertainty about all of it most, given all trials."""
    if count < 1:
        return []
    unseen = torch.tensor(state.unseen_pool(), dtype=torch.long)
    order = torch.from_numpy(state.rng(_PURPOSE).permutation(len(unseen)))
    drawn = unseen[order]
    trials = torch.cat([state.pending, state.observed])[:MAX_ANCHORS]
    process = Process(state.groups, _LENGTHSCALE, _NOISE)
    considered = drawn[: min(POOL_SIZE, max(int(POOL_SHARE * len(drawn)), 10 * count))]
    chosen = most_informative(process, state.pool_points[considered], trials, min(count, MAX_DESIGNED)).tolist()
    taken = set(chosen)
    chosen += [place for place in range(len(drawn)) if place not in taken][: count - len(chosen)]
    return [state.pool.architectures[place] for place in drawn[chosen].tolist()]


@torch.no_grad()
def most_informative(process: Process, points: Tensor, trials: Tensor, count: int) -> Tensor:
    """The indices of at most `count` of the `n x d` points, each the one whose observation, after the `trials` (`t x d`) and the
    points before it, would lower the sum of the variances at all points most.

    Cohn, "Neural network exploration using optimal experiment design" (1996); unlike the farthest points, which are odd ones,
    these stand for many.
    """
    if len(points) == 0:
        return torch.zeros(0, dtype=torch.long)
    covariance = _given(process, points, trials)
    noise = process.likelihood.noise
    open_places = torch.ones(len(points), dtype=torch.bool)
    chosen: list[int] = []
    while len(chosen) < min(count, len(points)):
        gains = covariance.square().sum(0) / (covariance.diagonal() + noise)
        place = int(gains.masked_fill(~open_places, -torch.inf).argmax())
        open_places[place] = False
        chosen.append(place)
        update = covariance[place] / (covariance[place, place] + noise).sqrt()
        covariance = covariance.addr(update, update, alpha=-1.0)
    return torch.tensor(chosen, dtype=torch.long)


def _given(process: Process, points: Tensor, trials: Tensor) -> Tensor:
    """The covariance of the points (`n x n`) once the trials are observed."""
    if len(trials) == 0:
        return process.covariance(points, points)
    zeros, ones = trials.new_zeros(len(trials)), trials.new_ones(len(trials))
    try:
        surrogate = condition(TrainingData(trials, zeros, ones, zeros * torch.nan), trials, process)
    except NotPositiveDefinite:
        return process.covariance(points, points)
    covariance: Tensor = surrogate.posterior(points).distribution.covariance_matrix
    return covariance
