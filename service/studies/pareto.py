"""The best trade-offs of a study: its completed trials that no other one dominates, kept while they are reported."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from sqlalchemy.orm import Session

from models.architectures.architecture import Architecture
from models.networks.costs.published_cost import published_cost
from models.search.dominance import non_dominated
from service.storage import counts, fronts, trials
from service.storage.fronts import Member
from service.storage.trial_rows import parse_architecture
from service.storage.values import NamedObjective, Study, StudySettings, Trial, TrialState
from service.studies.context import Context
from service.studies.lifecycle import study_named

_SEVERAL = 2
_FEW = 10
"""Trials that are let into a front one by one, at one look at the front each; more are let in together."""


@dataclass(frozen=True, slots=True)
class Front:
    """Trials that no other trial dominates, by the value of the first objective, the best first, and how many there are in all."""

    trials: Sequence[Trial]
    size: int


@dataclass(frozen=True, slots=True)
class TradeOffs:
    """The `best` of a study, in the order of `Front`, and the newest of the others. The outcomes of each are in the order of the
    `objectives` and as they were reported.
    """

    objectives: Sequence[NamedObjective]
    best: Sequence[Member]
    others: Sequence[Member]


async def trade_offs(context: Context, name: str, limit: int) -> TradeOffs:
    """What there is to draw: at most `limit` of either kind. Raises `StudyNotFound`."""
    return await context.database.read(partial(_trade_offs, name, limit))


async def pareto_front(context: Context, name: str, limit: int) -> Front:
    """The best trade-offs among the completed trials; with one objective those of the best value. Raises `StudyNotFound`."""
    return await context.database.read(partial(_front, name, limit))


def extend(session: Session, study: Study, completed: Sequence[Trial]) -> None:
    """Let trials that this transaction has completed into the front of their study, whose row it holds."""
    before = counts.of_studies(session, [study.id])[study.id].get(TrialState.COMPLETED, 0)
    if fronts.accounted(session, study.id) == before:
        values = [
            (trial.id, trial.number, _outcomes(study.settings, trial.architecture, trial.values or {})) for trial in completed
        ]
        new = _best([Member(*each) for each in values])
        if len(new) > _FEW:
            fronts.replace(session, study.id, _best([*fronts.members(session, study), *new]))
        else:
            for member in new:
                fronts.offer(session, study.id, member)
    else:
        fronts.replace(session, study.id, _all_members(session, study))
    fronts.account(session, study.id, before + len(completed))


def _front(name: str, limit: int, session: Session) -> Front:
    study = study_named(name, session)
    if len(study.settings.objectives) < _SEVERAL:
        best = trials.best(session, study.id, study.settings.objective, 1)
        return Front(*trials.with_value(session, study.id, best[0].value, limit)) if best else Front((), 0)
    if _is_kept(session, study):
        shown, size = fronts.best(session, study.id, limit)
    else:
        members = _ordered(_all_members(session, study))
        shown, size = [member.trial_id for member in members[:limit]], len(members)
    found = trials.find(session, shown)
    return Front([found[trial_id] for trial_id in shown], size)


def _trade_offs(name: str, limit: int, session: Session) -> TradeOffs:
    study = study_named(name, session)
    settings = study.settings
    if _is_kept(session, study):
        best = fronts.members(session, study, limit)
    else:
        best = _ordered(_all_members(session, study))[:limit]
    shown = {member.trial_id for member in best}
    newest = trials.outcomes(session, study, newest=limit)
    others = [Member(key, number, _outcomes(settings, text, values)) for key, number, text, values in newest if key not in shown]
    return TradeOffs(settings.objectives, [_reported(settings, one) for one in best], [_reported(settings, one) for one in others])


def _is_kept(session: Session, study: Study) -> bool:
    """Whether the front that is kept accounts for all completed trials."""
    completed = counts.of_studies(session, [study.id])[study.id].get(TrialState.COMPLETED, 0)
    return fronts.accounted(session, study.id) == completed


def _ordered(members: Sequence[Member]) -> list[Member]:
    return sorted(members, key=lambda member: (-member.outcomes[0], member.number))


def _reported(settings: StudySettings, member: Member) -> Member:
    """With the outcomes as they were reported, those that are to be minimised too."""
    pairs = zip(settings.objectives, member.outcomes, strict=True)
    return member._replace(outcomes=tuple(value if one.direction == "maximize" else -value for one, value in pairs))


def _all_members(session: Session, study: Study) -> list[Member]:
    """The front by all completed trials, in time that grows with them: for studies whose front was not kept."""
    settings = study.settings
    return _best(
        [Member(key, number, _outcomes(settings, text, values)) for key, number, text, values in trials.outcomes(session, study)]
    )


def _best(members: Sequence[Member]) -> list[Member]:
    """Those that none of them dominates."""
    outcomes = np.array([member.outcomes for member in members], dtype=np.float64)
    return [members[place] for place in np.flatnonzero(non_dominated(outcomes)).tolist()] if members else []


def _outcomes(settings: StudySettings, graph: Architecture | str, values: Mapping[str, float]) -> tuple[float, ...]:
    """The outcomes in the order of the objectives, with their sign turned where they are to be minimised; `graph` may be as it is
    stored.
    """
    cost = None
    if len(values) < len(settings.objectives):
        cost = published_cost(parse_architecture(settings.space, graph) if isinstance(graph, str) else graph)
    row = []
    for objective in settings.objectives:
        value = values[objective.name] if objective.cost is None else getattr(cost, objective.cost)
        row.append(float(value) if objective.direction == "maximize" else -float(value))
    return tuple(row)
