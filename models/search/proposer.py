"""One step of the search: from a request to the next architectures, and what the surrogate expects of given ones.

Pure functions of the autoencoder and the request. The parts are in the other files of this package; here they are put together.
"""

from collections.abc import Sequence

import numpy as np
import torch

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonical_id, canonicalise
from models.search.acquisition import log_expected_improvement, upper_confidence_bound
from models.search.autoencoder import Autoencoder
from models.search.batch import Choice, choose_best, choose_by_samples, choose_greedily
from models.search.beliefs import Beliefs, fit_all, fit_first
from models.search.candidates import Candidates, Guide, gather_candidates
from models.search.initial import initial_design
from models.search.proposal import Hyperparameters, Prediction, Proposal, ProposalBatch, ProposalRequest, Source
from models.search.ranking import predictor_scores
from models.search.sampling import decode_unseen, draw_unseen
from models.search.state import SearchState, build_state
from models.search.surrogate import NotPositiveDefinite
from models.search.tradeoff import choose_by_hypervolume, ranking

MIN_OBSERVATIONS = 2
"""Distinct observations below which there is no surrogate: one outcome has no scale."""


_DRAWN = ("random", "latent_random")
"""The strategies that learn nothing."""

_THOMPSON, _PREDICTOR = 20, 21


@torch.inference_mode(False)
@torch.no_grad()
def propose(autoencoder: Autoencoder, request: ProposalRequest) -> ProposalBatch:
    """The next `request.count` architectures to train, distinct and none of them observed, pending or excluded.

    First come those that tell most about the space (source `initial`), until `initial_size` distinct architectures are observed or
    pending and two are observed. Then the strategy decides (source `acquisition`):

    - `svge` maximises the expected improvement of a process on latents and structure, fitted to the ranks of the outcomes; with
      several objectives that of the hypervolume, of processes fitted to power transforms of the values;
    - `ucb` and `thompson` choose by the upper confidence bound and by samples of the same process;
    - `predictor` ranks by the performance predictor (Section 4.1 of the paper), trained on the observed latents;
    - `latent` is the paper's: the expected improvement of a process on latents alone, fitted to the outcomes as they are and
      climbed in latent space;
    - `latent_random` decodes points of the prior (the paper's random search) and `random` draws uniformly from the space, both
      without a start of their own and without repetition (source `fallback`).

    With a `max_nodes` above that of the trained space the larger graphs alone are chosen from where enough are found (source
    `extrapolation`). What the candidates cannot fill is drawn at random (source `fallback`). When fewer than `count` are left,
    `reason` says so.

    Raises `ValueError`, naming the field, for a count below 1 and for values that are not finite.
    """
    if request.count < 1:
        raise ValueError(f"count must be at least 1, got {request.count}")
    state = build_state(autoencoder, request)
    proposals: list[Proposal] = []
    hyperparameters = request.hyperparameters
    if request.strategy not in _DRAWN:
        proposals += _without_surrogate(state, initial_design(state, _initial_count(state)), "initial")
        if len(proposals) < request.count and len(state.measurements.values) >= MIN_OBSERVATIONS:
            acquired, hyperparameters = _acquire(state, proposals)
            proposals += acquired
    for draw in (decode_unseen, draw_unseen) if request.strategy == "latent_random" else (draw_unseen,):
        drawn = draw(state, request.count - len(proposals), {proposal.canonical_id for proposal in proposals})
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
        first = fit_first(state)
    except NotPositiveDefinite:
        return []
    points = state.encode([canonicalise(architecture) for architecture in architectures])
    mean, variance = first.surrogate.moments(points)
    values = log_expected_improvement(mean, variance, first.best)
    means = first.scale.inverse(mean.numpy())
    stds = first.scale.inverse_std(mean.numpy(), variance.sqrt().numpy())
    return [Prediction(*row) for row in zip(means.tolist(), stds.tolist(), values.tolist(), strict=True)]


def _initial_count(state: SearchState) -> int:
    request = state.request
    if len(state.measurements.values) < MIN_OBSERVATIONS:
        return request.count
    return min(request.count, max(0, request.initial_size - len(state.observed) - len(state.pending)))


def _acquire(state: SearchState, before: Sequence[Proposal]) -> tuple[list[Proposal], Hyperparameters | None]:
    """The rest of the batch by the strategy, given the proposals `before`, and the fitted hyperparameters."""
    count = state.request.count - len(before)
    pending = [*state.running, *(proposal.architecture for proposal in before)]
    try:
        beliefs = fit_all(state)
        order = ranking(state, beliefs) if state.request.further else beliefs.first.means.argsort(descending=True).tolist()
        guide = Guide(order, [(belief.surrogate, belief.best) for belief in beliefs.all])
        candidates = gather_candidates(state, guide, count, {proposal.canonical_id for proposal in before})
        choices = _choose(state, beliefs, candidates, pending, count)
    except NotPositiveDefinite:
        return [], None
    scale = beliefs.first.scale
    latents = state.pool.inputs.restore_latents(candidates.points[[choice.place for choice in choices]])
    means, stds = np.array([choice.mean for choice in choices]), np.array([choice.std for choice in choices])
    predicted = zip(scale.inverse(means).tolist(), scale.inverse_std(means, stds).tolist(), strict=True)
    proposals = []
    for choice, latent, (mean, std) in zip(choices, latents.tolist(), predicted, strict=True):
        architecture = candidates.architectures[choice.place]
        source: Source = "extrapolation" if architecture.num_nodes > state.autoencoder.space.max_nodes else "acquisition"
        name = candidates.canonical_ids[choice.place]
        proposals.append(Proposal(architecture, name, tuple(latent), source, mean, std, choice.value))
    return proposals, beliefs.hyperparameters


def _choose(
    state: SearchState, beliefs: Beliefs, candidates: Candidates, pending: Sequence[Architecture], count: int
) -> list[Choice]:
    if state.request.further:
        return choose_by_hypervolume(state, beliefs, candidates, pending, count)
    first, points = beliefs.first, candidates.points
    if state.request.strategy == "thompson":
        return choose_by_samples(first.surrogate, points, count, state.generator(_THOMPSON))
    if state.request.strategy == "predictor":
        size, generator = state.pool.inputs.latent_size, state.generator(_PREDICTOR)
        scores = predictor_scores(state.observed[:, :size], first.outcomes, points[:, :size], generator)
        return choose_best(first.surrogate, points, scores, count)
    utility = upper_confidence_bound if state.request.strategy == "ucb" else log_expected_improvement
    return choose_greedily(first.surrogate, points, state.encode(pending), first.best, count, utility)


def _without_surrogate(state: SearchState, architectures: Sequence[Architecture], source: Source) -> list[Proposal]:
    if not architectures:
        return []
    latents = state.pool.inputs.restore_latents(state.encode(architectures)).tolist()
    return [
        Proposal(architecture, canonical_id(architecture), tuple(latent), source)
        for architecture, latent in zip(architectures, latents, strict=True)
    ]


def _reason(state: SearchState, found: int) -> str | None:
    if found == state.request.count:
        return None
    space = state.autoencoder.space
    if state.pool.complete:
        beyond = "" if state.largest is None else "beyond the limits, "
        states = f"{beyond}observed, running, excluded or among the {found} proposed here"
        return f"all {space.size} architectures of '{space.name}' are {states}"
    beyond = "" if state.largest is None else "are beyond the limits or "
    wanted = state.request.count
    return f"only {found} of {wanted} new architectures of '{space.name}' were found; nearly all {beyond}were seen already"
