"""What to train next: the use case behind `POST /suggest`.

A short transaction grants what the worker holds and what waits. If that is not enough, everybody who waits on the study shares
one joint proposal, computed with no transaction open, and a second short transaction grants from it. When that does not come
in time, architectures drawn at random from the space do. Granting is `grants.py`, sharing is `joint.py`.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import anyio.to_thread
from sqlalchemy.orm import Session

from models.architectures.architecture import Fault
from models.search.proposal import Limits, Proposal, ProposalBatch, ProposalRequest, Strategy
from models.spaces.space import SearchSpace
from service import metrics
from service.errors import InvalidRequest, ModelUnavailable
from service.storage import studies
from service.storage.values import Origin, Study, StudySettings, Trial
from service.studies.catalogue import model_named, space_named
from service.studies.context import Context
from service.studies.fallback import random_offers
from service.studies.grants import Ask, Grant, Granter, Offer
from service.studies.joint import Coalescer, Entry
from service.studies.knowledge import Knowledge, Query, held_already, knowledge, with_trials
from service.studies.lifecycle import study_named
from service.studies.objectives import check_strategy

_log = logging.getLogger(__name__)

_GATHER_SECONDS = 0.02
_LARGEST_GROWTH = 2
_FRUITLESS_ROUNDS = 3
_FALLBACK_TRIES = 20
_FALLBACK_DRAWS = 64
_TELLING_ROUNDS = 3
_SPARE = 16


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Trials to train, and why there are fewer than asked for where that is so."""

    trials: tuple[Trial, ...]
    reason: str | None


@dataclass(frozen=True, slots=True)
class Wish:
    """One caller's ask and how many trials of it a proposal has to bring."""

    ask: Ask
    missing: int


class Suggester:
    """Hands out trials. One instance serves a process, so that concurrent asks of a study meet in it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._joint: Coalescer[Query, Wish, Grant] = Coalescer(self._propose, _GATHER_SECONDS)
        self._ready: dict[Query, deque[Offer]] = {}

    async def suggest(
        self, study_name: str, ask: Ask, wait_seconds: float, strategy: Strategy | None = None, max_nodes: int | None = None
    ) -> Suggestion:
        """Up to `ask.count` running trials for the worker, committed. Raises `StudyNotFound`, `InvalidRequest` for a size that
        the space cannot be searched at, and `ModelNotFound` when the study's checkpoint is gone.

        Fresh proposals are waited for at most `wait_seconds`; then, or when the model worker is lost, the rest is drawn at
        random (`source` is `fallback`).
        """
        started = asyncio.get_running_loop().time()
        deadline = started + wait_seconds
        study = await self._context.database.read(partial(study_named, study_name))
        folders = self._context.settings.model_folders
        model_named(folders, study.settings.model_hash)
        _check_size(space_named(folders, study.settings.space), max_nodes)
        check_strategy(study.settings, strategy or study.settings.strategy)
        query = Query(study.id, strategy or study.settings.strategy, max_nodes)
        ready = self._ready.pop(query, deque[Offer]())
        grant = await self._grant(study.id, ask, ready)
        if ready and not grant.reason:
            self._ready.setdefault(query, ready)
        if wait_seconds:
            grant = await self._grant_fresh(query, ask, grant, deadline)
        if grant.missing and not grant.reason:
            grant = await self._grant_random(study, ask, grant)
        source = grant.trials[0].origin.source if grant.trials else "none"
        metrics.suggests.labels(source).observe(asyncio.get_running_loop().time() - started)
        return Suggestion(grant.trials, grant.reason)

    async def close(self) -> None:
        await self._joint.close()

    async def _grant(self, study_id: int, ask: Ask, offers: deque[Offer]) -> Grant:
        context = self._context

        def work(session: Session) -> Grant:
            return Granter(session, study_id, context.database.now(session), context.new_id).grant(ask, offers)

        return await context.database.write(work)

    async def _grant_fresh(self, query: Query, ask: Ask, grant: Grant, deadline: float) -> Grant:
        """Ask for joint proposals until the ask is met, there can be no more, or the deadline passes."""
        fruitless = 0
        while grant.missing and not grant.reason and fruitless < _FRUITLESS_ROUNDS:
            try:
                fresh = await self._joint.submit(query, Wish(ask, grant.missing), deadline)
            except ModelUnavailable as error:
                _log.warning("no fresh proposal for study %d: %s", query.study_id, error)
                return grant
            if fresh is None:
                return grant
            # What others took from the same batch is progress as well: the next batch knows of it.
            has_progress = fresh.missing < grant.missing or fresh.trials_created > grant.trials_created
            fruitless = 0 if has_progress else fruitless + 1
            grant = fresh
        return grant

    async def _grant_random(self, study: Study, ask: Ask, grant: Grant) -> Grant:
        settings, drawn = study.settings, 0
        space = space_named(self._context.settings.model_folders, settings.space)
        for attempt in range(_FALLBACK_TRIES):
            count = max(_FALLBACK_DRAWS, 4 * grant.missing)
            draw = partial(random_offers, space, settings, grant.trials_created, ask.worker, attempt, count)
            grant = await self._grant(study.id, ask, deque(await anyio.to_thread.run_sync(draw)))
            drawn += count
            if not grant.missing or grant.reason:
                return grant
        return replace(grant, reason=_nothing_new(space, settings, drawn, grant.trials_created))

    async def _new_proposals(self, known: Knowledge) -> ProposalBatch:
        """What the search proposes. Where it was told of a part of the study, it gives some to spare, what the study holds already
        is left out, and it is told of that when too little is left.
        """
        if known.is_complete:
            return await self._compute(known.study, known.request)
        database, study_id, count = self._context.database, known.study.id, known.request.count
        known = replace(known, request=replace(known.request, count=min(count + _SPARE, self._context.settings.max_count)))
        for _ in range(_TELLING_ROUNDS):
            batch = await self._compute(known.study, known.request)
            held = await database.read(partial(held_already, study_id, batch.proposals))
            new = tuple(proposal for proposal in batch.proposals if proposal.canonical_id not in held)[:count]
            if len(new) == count or not held:
                break
            known = await database.read(partial(with_trials, known, list(held.values())))
        return replace(batch, proposals=new)

    async def _compute(self, study: Study, request: ProposalRequest) -> ProposalBatch:
        """Raises `ModelUnavailable` whatever goes wrong: a trainer gets an architecture even where the search has a fault."""
        context, outcome, started = self._context, "failed", asyncio.get_running_loop().time()
        try:
            batch = await context.compute(context.worker.propose(study.settings.model_hash, request, study.id))
            outcome = "done"
        except ModelUnavailable:
            raise
        except Exception as error:
            _log.exception("the proposal for study '%s' failed", study.name)
            raise ModelUnavailable("the model worker failed; its log says why") from error
        finally:
            metrics.fits.labels(outcome).observe(asyncio.get_running_loop().time() - started)
        return batch

    async def _propose(self, query: Query, entries: Sequence[Entry[Wish, Grant]]) -> None:
        """One joint proposal for all who wait: q is the sum of what they miss, a worker that asks twice counted once."""
        context = self._context
        missing: dict[str, int] = {}
        for entry in entries:
            missing[entry.item.ask.worker] = max(missing.get(entry.item.ask.worker, 0), entry.item.missing)
        count = min(sum(missing.values()), context.settings.max_count)
        known = await context.database.read(partial(knowledge, query, count, context.settings.max_observations))
        batch = await self._new_proposals(known) if known.request.count else ProposalBatch(())
        seen, model_hash = len(known.request.observations), known.study.settings.model_hash
        offers = [_offer(proposal, seen, model_hash) for proposal in batch.proposals]
        claimed = [entry for entry in entries if entry.claim()]
        asks = [entry.item.ask for entry in claimed]
        grants, left = await context.database.write(partial(_grant_all, context, known.study, asks, offers, batch))
        # Proposals that come too late for everybody who waited are the next asker's.
        if left:
            self._ready[query] = deque(left)
        for entry, grant in zip(claimed, grants, strict=True):
            entry.answer(grant)


def _nothing_new(space: SearchSpace, settings: StudySettings, drawn: int, trials_created: int) -> str:
    size = space.size
    if size is not None and trials_created >= size:
        return f"the study has {trials_created} trials, '{space.name}' has {size} architectures"
    wanted = "new" if settings.limits == Limits() else "new and within the limits"
    return f"none of {drawn} more architectures drawn at random from '{space.name}' was {wanted}; ask again, with a longer wait"


def _check_size(space: SearchSpace, max_nodes: int | None) -> None:
    low, high = space.max_nodes, _LARGEST_GROWTH * space.max_nodes
    if max_nodes is not None and not low <= max_nodes <= high:
        message = f"expected {low} to {high} nodes, the trained size of '{space.name}' to twice it, got {max_nodes}; leave it out"
        raise InvalidRequest([Fault("/max_nodes", f"{message} for the trained size")])


def _grant_all(
    context: Context, study: Study, asks: Sequence[Ask], offers: Sequence[Offer], batch: ProposalBatch, session: Session
) -> tuple[list[Grant], list[Offer]]:
    """The grants of those who ask, and the offers that none of them took; `study` is as the batch was computed for."""
    granter = Granter(session, study.id, context.database.now(session), context.new_id)
    left = deque(offers)
    grants = [granter.grant(ask, left) for ask in asks]
    if batch.hyperparameters is not None and granter.study.settings.model_hash == study.settings.model_hash:
        studies.save_hyperparameters(session, study.id, batch.hyperparameters)
    told = [replace(grant, reason=grant.reason or batch.reason) if grant.missing else grant for grant in grants]
    return told, list(left)


def _offer(proposal: Proposal, observations_seen: int, model_hash: str) -> Offer:
    origin = Origin(
        proposal.source,
        proposal.latent,
        proposal.predicted_mean,
        proposal.predicted_std,
        proposal.acquisition_value,
        observations_seen,
    )
    return Offer(proposal.architecture, proposal.canonical_id, origin, model_hash)
