"""The one table of what a trial may become. Who may ask for a change is decided in `leases.py`, `suggest.py` and `observe.py`."""

from collections.abc import Mapping

from service.errors import IllegalTransition
from service.storage.values import TrialState

FINISHED = frozenset({TrialState.COMPLETED, TrialState.FAILED, TrialState.INFEASIBLE, TrialState.STOPPED})

ALLOWED: Mapping[TrialState, frozenset[TrialState]] = {
    TrialState.RUNNING: FINISHED | {TrialState.WAITING},
    TrialState.WAITING: FINISHED | {TrialState.RUNNING},
    # failed because its leases ran out: a late result still counts
    TrialState.FAILED: FINISHED,
    TrialState.COMPLETED: frozenset(),
    TrialState.INFEASIBLE: frozenset(),
    TrialState.STOPPED: frozenset(),
}


def check(current: TrialState, new: TrialState) -> TrialState:
    """`new`, if a trial may go there from `current`. Raises `IllegalTransition`."""
    if new not in ALLOWED[current]:
        choices = ", ".join(sorted(ALLOWED[current])) or "nothing else"
        raise IllegalTransition(f"a trial that is '{current}' cannot become '{new}'; it may become {choices}")
    return new
