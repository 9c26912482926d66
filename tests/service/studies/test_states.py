import itertools

import pytest

from service.errors import IllegalTransition
from service.storage.values import TrialState
from service.studies import states


def test_every_change_is_either_in_the_table_or_refused() -> None:
    assert set(states.ALLOWED) == set(TrialState)
    for current, new in itertools.product(TrialState, repeat=2):
        if new in states.ALLOWED[current]:
            assert states.check(current, new) == new
        else:
            with pytest.raises(IllegalTransition, match=f"'{current}' cannot become '{new}'"):
                states.check(current, new)


@pytest.mark.parametrize("state", [TrialState.COMPLETED, TrialState.INFEASIBLE, TrialState.STOPPED])
def test_what_is_finished_stays_so(state: TrialState) -> None:
    assert not states.ALLOWED[state]


def test_a_failed_trial_takes_a_late_result_but_is_not_handed_out() -> None:
    assert TrialState.COMPLETED in states.ALLOWED[TrialState.FAILED]
    assert TrialState.RUNNING not in states.ALLOWED[TrialState.FAILED]
