"""What the search is told of a study: everything while that is little, else a part that stands for it. Asking is `suggest.py`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from models.search.proposal import Proposal, ProposalRequest, Strategy
from service.storage import counts, selection, studies, trials
from service.storage.values import Study, TrialState
from service.studies.fallback import proposal_seed

_NEVER_AGAIN = (TrialState.WAITING, TrialState.FAILED, TrialState.INFEASIBLE, TrialState.STOPPED)


@dataclass(frozen=True, slots=True)
class Query:
    """What proposals are made for; callers with equal queries share them."""

    study_id: int
    strategy: Strategy
    max_nodes: int | None


@dataclass(frozen=True, slots=True)
class Knowledge:
    """A request with what is known of the study; unless it `is_complete` what is proposed may be in the study already."""

    study: Study
    request: ProposalRequest
    is_complete: bool


def knowledge(query: Query, count: int, limit: int, session: Session) -> Knowledge:
    """What is to be known for `count` proposals, fewer where the budget ends: at most `limit` observations, as many running trials,
    and the names of at most so many trials in each other state.
    """
    study = studies.get(session, query.study_id)
    settings = study.settings
    if settings.max_trials is not None:
        count = min(count, settings.max_trials - study.trials_created)
    sizes = counts.of_studies(session, [study.id])[study.id]
    completed = sizes.get(TrialState.COMPLETED, 0)
    numbers = selection.telling_numbers(session, study, limit) if completed > limit else None
    observations = trials.observations(session, study, numbers)
    request = ProposalRequest(
        direction=settings.objective,
        count=count,
        seed=proposal_seed(settings.seed, study.trials_created),
        observations=observations,
        pending=trials.running_architectures(session, study.id, limit),
        excluded=trials.canonical_ids(session, study.id, _NEVER_AGAIN, limit),
        strategy=query.strategy,
        # What is left out was observed all the same: the start must not begin again for want of it.
        initial_size=max(0, settings.initial_size - (completed - len(observations))),
        max_nodes=query.max_nodes,
        hyperparameters=study.hyperparameters,
        further=settings.further,
        limits=settings.limits,
    )
    largest = max(completed, *(sizes.get(state, 0) for state in (TrialState.RUNNING, *_NEVER_AGAIN)))
    return Knowledge(study, request, largest <= limit)


def held_already(study_id: int, proposals: Sequence[Proposal], session: Session) -> dict[str, str]:
    """The ids of the trials that the study has of proposed architectures, by canonical id."""
    return trials.find_by_architecture(session, study_id, [proposal.canonical_id for proposal in proposals])


def with_trials(known: Knowledge, trial_ids: Sequence[str], session: Session) -> Knowledge:
    """The knowledge with these trials of the study besides: those that the search proposed because it was not told of them."""
    found = trials.find(session, trial_ids).values()
    numbers = sorted(trial.number for trial in found if trial.state == TrialState.COMPLETED)
    more = trials.observations(session, known.study, numbers)
    names = {trial.canonical_id for trial in found}
    request = known.request
    request = replace(request, observations=request.observations + more, excluded=tuple(sorted(names.union(request.excluded))))
    return replace(known, request=request)
