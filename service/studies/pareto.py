"""The best trade-offs of a study: its completed trials that no other one dominates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from sqlalchemy.orm import Session

from models.networks.costs.published_cost import published_cost
from models.search.dominance import non_dominated
from service.storage import trials
from service.storage.values import StudySettings, Trial
from service.studies.context import Context
from service.studies.lifecycle import study_named


@dataclass(frozen=True, slots=True)
class Front:
    """Trials that no other trial dominates, by the value of the first objective, the best first, and how many there are in all."""

    trials: Sequence[Trial]
    size: int


async def pareto_front(context: Context, name: str, limit: int) -> Front:
    """The best trade-offs among the completed trials; with one objective those of the best value. Raises `StudyNotFound`."""
    return await context.database.read(partial(_front, name, limit))


def _front(name: str, limit: int, session: Session) -> Front:
    study = study_named(name, session)
    settings = study.settings
    if not settings.objectives:
        best = trials.best(session, study.id, settings.objective, 1)
        return Front(*trials.with_value(session, study.id, best[0].value, limit)) if best else Front((), 0)
    ids, rows = [], []
    for trial_id, text, values in trials.outcomes(session, study):
        ids.append(trial_id)
        rows.append(_signed(settings, text, values))
    outcomes = np.array(rows, dtype=np.float64).reshape(len(rows), len(settings.objectives))
    places = np.flatnonzero(non_dominated(outcomes))
    order = places[np.argsort(-outcomes[places, 0], kind="stable")]
    shown = [ids[place] for place in order[:limit].tolist()]
    found = trials.find(session, shown)
    return Front([found[trial_id] for trial_id in shown], len(order))


def _signed(settings: StudySettings, text: str, values: Mapping[str, float]) -> list[float]:
    """The outcomes in the order of the objectives, with their sign turned where they are to be minimised."""
    row = []
    cost = published_cost(trials.parse_architecture(settings.space, text)) if len(values) < len(settings.objectives) else None
    for objective in settings.objectives:
        value = values[objective.name] if objective.cost is None else getattr(cost, objective.cost)
        row.append(float(value) if objective.direction == "maximize" else -float(value))
    return row
