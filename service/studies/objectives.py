"""What a study is to find: its objectives and limits checked, and reported values read by them. Trade-offs are `pareto.py`."""

from collections.abc import Sequence
from dataclasses import replace

from models.architectures.architecture import Fault
from models.networks.costs.published_cost import has_costs
from models.search.proposal import COSTS, SEVERAL_OBJECTIVES, Limits, Strategy
from service.errors import InvalidRequest
from service.storage.values import Outcome, StudySettings, TrialState


def check_objectives(settings: StudySettings) -> None:
    """Raises `InvalidRequest` for objectives and limits that contradict themselves, the space or the strategy."""
    faults = []
    if settings.objectives and not settings.observed_names:
        message = f"expected an objective beside the costs {', '.join(COSTS)}, which need no training; add what trainers report"
        faults.append(Fault("/objectives", message))
    fields = {"/objectives": any(one.cost for one in settings.objectives), "/limits": settings.limits != Limits()}
    for pointer, needs_costs in fields.items():
        if needs_costs and not has_costs(settings.space):
            message = f"'{settings.space}' has no networks whose costs could be counted; leave {', '.join(COSTS)} out"
            faults.append(Fault(pointer, message))
    if faults:
        raise InvalidRequest(faults)
    check_strategy(settings, settings.strategy)


def check_strategy(settings: StudySettings, strategy: Strategy) -> None:
    """Raises `InvalidRequest` for a strategy that cannot search by the objectives."""
    if settings.further and strategy not in SEVERAL_OBJECTIVES:
        choices = ", ".join(SEVERAL_OBJECTIVES)
        raise InvalidRequest([Fault("/strategy", f"expected one of {choices} for several objectives, got '{strategy}'")])


def by_objectives(outcome: Outcome, settings: StudySettings, pointer: str) -> Outcome | Fault:
    """The outcome with both `value` and `values` as the study keeps them, or what is wrong with them.

    A study whose trainers report one named objective takes its value without the name too, and a trial that was stopped early the
    first one's alone, which is the one that intermediate values are of.
    """
    names, values = settings.observed_names, outcome.values
    if values is None and (outcome.value is None or not names):
        return outcome
    if not names:
        return Fault(f"{pointer}/values", f"study '{settings.name}' has one objective without a name; give its 'value'")
    if values is None and outcome.status == TrialState.STOPPED:
        names = names[:1]
    if values is None and len(names) > 1:
        return Fault(f"{pointer}/value", f"study '{settings.name}' has several objectives; give 'values' of {_listed(names)}")
    given = {names[0]: outcome.value} if values is None else dict(values)
    if set(given) != set(names):
        counted = [name for name in given if name in COSTS and name not in names]
        hint = f"; {_listed(counted)} is counted from the architecture, leave it out" if counted else ""
        return Fault(f"{pointer}/values", f"expected values of {_listed(names)}, got {_listed(sorted(given)) or 'none'}{hint}")
    ordered = {name: value for name in names if (value := given[name]) is not None}
    return replace(outcome, value=ordered[names[0]], values=ordered)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
