"""One step of the search: from a request to the next architectures, and what the surrogate expects of given ones.

Pure functions of the autoencoder and the request. The parts are in the other files of this package; here they are put together.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonical_id, canonicalise
from models.search.autoencoder import Autoencoder
from models.search.batch import choose_batch, log_expected_improvement
from models.search.candidates import gather_candidates
from models.search.fitting import fit
from models.search.initial import space_filling
from models.search.outcomes import OutcomeScale, outcome_scale
from models.search.process import to_mapping
from models.search.proposal import Hyperparameters, Prediction, Proposal, ProposalBatch, ProposalRequest, Source
from models.search.sampling import draw_unseen
from models.search.state import SearchState, build_state
from models.search.surrogate import NotPositiveDefinite, Surrogate, TrainingData

MIN_OBSERVATIONS = 2
"""Distinct observations below which there is no surrogate: one outcome has no scale."""


class _Fitted(NamedTuple):
    """The surrogate with the scale of its outcomes and the best posterior mean among the observed architectures."""

    surrogate: Surrogate
    scale: OutcomeScale
    best: float


@torch.inference_mode(False)
@torch.no_grad()
def propose(autoencoder: Autoencoder, request: ProposalRequest) -> ProposalBatch:
    """The next `request.count` architectures to train, distinct and none of them observed, pending or excluded.

    Strategy `random` draws uniformly from the trained space without repetition (source `fallback`). Strategy `svge` first fills
    the space (source `initial`) until `initial_size` distinct architectures are observed or pending and two are observed; then
    it maximises the expected improvement (source `acquisition`), with a `max_nodes` above that of the trained space among the
    larger graphs alone where enough are found (source `extrapolation`). What the candidates cannot fill is drawn at random (source
    `fallback`). When fewer than `count` are left, `reason` says so.

    Raises `ValueError`, naming the field, for a count below 1 and for values that are not finite.
    """
    if request.count < 1:
        raise ValueError(f"count must be at least 1, got {request.count}")
    state = build_state(autoencoder, request)
    proposals: list[Proposal] = []
    hyperparameters = request.hyperparameters
    if request.strategy == "svge":
        proposals += _without_surrogate(state, space_filling(state, _initial_count(state)), "initial")
        if len(proposals) < request.count and len(state.measurements.values) >= MIN_OBSERVATIONS:
            acquired, hyperparameters = _acquire(state, proposals)
            proposals += acquired
    missing = request.count - len(proposals)
    if missing:
        drawn = draw_unseen(state, missing, {proposal.canonical_id for proposal in proposals})
        proposals += _without_surrogate(state, list(drawn.values()), "fallback")
    return ProposalBatch(tuple(proposals), _reason(state, len(proposals)), hyperparameters)


@torch.inference_mode(False)
@torch.no_grad()
def predict(autoencoder: Autoencoder, request: ProposalRequest, architectures: Sequence[Architecture]) -> list[Prediction]:
    """What the surrogate fitted to the request's observations expects of each architecture.

    Empty below two distinct observations, and where no surrogate can be fitted. Raises `ValueError` as `propose` does.
    """
    state = build_state(autoencoder, request)
    if len(state.measurements.values) < MIN_OBSERVATIONS or not architectures:
        return []
    try:
        fitted = _fit(state)
    except NotPositiveDefinite:
        return []
    points = state.encode([canonicalise(architecture) for architecture in architectures])
    mean, variance = fitted.surrogate.moments(points)
    values = log_expected_improvement(mean, variance, fitted.best)
    means = fitted.scale.inverse(mean.numpy())
    stds = fitted.scale.inverse_std(variance.sqrt().numpy())
    return [Prediction(*row) for row in zip(means.tolist(), stds.tolist(), values.tolist(), strict=True)]


def _initial_count(state: SearchState) -> int:
    request = state.request
    if len(state.measurements.values) < MIN_OBSERVATIONS:
        return request.count
    return min(request.count, max(0, request.initial_size - len(state.observed) - len(state.pending)))


def _acquire(state: SearchState, before: Sequence[Proposal]) -> tuple[list[Proposal], Hyperparameters | None]:
    """The rest of the batch by expected improvement, given the proposals `before`, and the fitted hyperparameters."""
    count = state.request.count - len(before)
    try:
        fitted = _fit(state)
    except NotPositiveDefinite:
        return [], None
    surrogate, scale, best = fitted
    pending = torch.cat([state.pending, state.encode([proposal.architecture for proposal in before])])
    candidates = gather_candidates(state, surrogate, best, count, {proposal.canonical_id for proposal in before})
    choices = choose_batch(surrogate, candidates.points, pending, best, count)
    latents = state.pool.restore(candidates.points[[choice.place for choice in choices]])
    means, stds = np.array([choice.mean for choice in choices]), np.array([choice.std for choice in choices])
    predicted = zip(scale.inverse(means).tolist(), scale.inverse_std(stds).tolist(), strict=True)
    proposals = []
    for choice, latent, (mean, std) in zip(choices, latents.tolist(), predicted, strict=True):
        architecture = candidates.architectures[choice.place]
        source: Source = "extrapolation" if architecture.num_nodes > state.autoencoder.space.max_nodes else "acquisition"
        name = candidates.canonical_ids[choice.place]
        proposals.append(Proposal(architecture, name, tuple(latent), source, mean, std, choice.value))
    return proposals, to_mapping(surrogate.process)


def _fit(state: SearchState) -> _Fitted:
    measurements = state.measurements
    scale = outcome_scale(measurements.values, state.request.direction)
    data = TrainingData(
        state.observed,
        _tensor(scale.forward(measurements.values)),
        _tensor(measurements.counts),
        _tensor(scale.forward_std(measurements.stds)).square(),
    )
    surrogate = fit(data, state.request.hyperparameters)
    return _Fitted(surrogate, scale, float(surrogate.moments(state.observed)[0].max()))


def _without_surrogate(state: SearchState, architectures: Sequence[Architecture], source: Source) -> list[Proposal]:
    latents = state.pool.restore(state.encode(architectures)).tolist()
    return [
        Proposal(architecture, canonical_id(architecture), tuple(latent), source)
        for architecture, latent in zip(architectures, latents, strict=True)
    ]


def _reason(state: SearchState, found: int) -> str | None:
    if found == state.request.count:
        return None
    space = state.autoencoder.space
    if state.pool.complete:
        return (
            f"all {space.size} architectures of '{space.name}' are observed, running, excluded or among the {found} proposed here"
        )
    return f"only {found} of {state.request.count} new architectures of '{space.name}' were found; nearly all were seen already"


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float64))
