from dataclasses import replace

import pytest

from service.storage import selection, studies, trials
from service.storage.session import Database
from service.storage.values import Study, TrialState
from tests.service.storage.test_trials import NOW, SETTINGS, architectures, trial

SIZE, LIMIT = 200, 40


def filled(database: Database, objective: str) -> Study:
    """The best values are those of the trials 101, 102, …, whatever the objective; every tenth trial has failed."""
    settings = replace(SETTINGS, objective=objective)  # type: ignore[arg-type]
    study = database.write_here(lambda session: studies.create(session, settings, NOW))
    sign = 1.0 if objective == "maximize" else -1.0
    made = []
    for number, graph in enumerate(architectures(SIZE), start=1):
        value = sign * (1000.0 - number if number > 100 else float(number))
        failed = number % 10 == 0
        changes = {"state": TrialState.FAILED} if failed else {"state": TrialState.COMPLETED, "value": value}
        made.append(trial(number, graph, **changes))
    database.write_here(lambda session: [trials.add(session, study.id, each) for each in made])
    return replace(study, trials_created=SIZE)


@pytest.mark.parametrize("objective", ["maximize", "minimize"])
def test_the_best_the_newest_and_an_even_spread_are_told(database: Database, objective: str) -> None:
    study = filled(database, objective)
    numbers = database.read_here(lambda session: selection.telling_numbers(session, study, LIMIT))
    best = [number for number in range(101, 112) if number % 10][:10]
    newest = [number for number in range(SIZE, 188, -1) if number % 10][:10]
    assert numbers == sorted({*best, *newest, *range(16, SIZE + 1, 16)})
    told = database.read_here(lambda session: trials.observations(session, study, numbers))
    everything = database.read_here(lambda session: trials.observations(session, study))
    values = {number: value for number, value in zip([n for n in range(1, SIZE + 1) if n % 10], everything, strict=True)}
    assert list(told) == [values[number] for number in numbers if number % 10]


def test_the_spread_stays_while_the_study_doubles(database: Database) -> None:
    study = database.write_here(lambda session: studies.create(session, SETTINGS, NOW))
    spreads = [
        database.read_here(
            lambda session, size=size: selection.telling_numbers(session, replace(study, trials_created=size), LIMIT)
        )
        for size in (320, 321, 639, 656)
    ]
    assert [len(spread) for spread in spreads] == [20, 20, 19, 20]
    assert spreads[0] == spreads[1] == list(range(16, 321, 16))
    assert spreads[2] == list(range(32, 640, 32))
    assert spreads[3] == list(range(32, 657, 32))
