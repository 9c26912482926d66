import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonical_id
from models.search.proposal import Limits
from models.spaces.registry import get_space
from service.storage import selection, studies, trials
from service.storage.session import Database
from service.storage.values import NamedObjective, Origin, Study, StudySettings, Trial, TrialState

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
SETTINGS = StudySettings("demo", "nasbench201", "maximize", 0, "svge", 10, None, 900, 3, "f" * 64)


@pytest.fixture
def study(database: Database) -> Study:
    return database.write_here(lambda session: studies.create(session, SETTINGS, NOW))


def architectures(count: int) -> list[Architecture]:
    space, rng = get_space("nasbench201"), np.random.default_rng(0)
    distinct = {canonical_id(a): a for a in (space.sample(rng) for _ in range(3 * count + 10))}
    return list(distinct.values())[:count]


def trial(number: int, architecture: Architecture, **changes: Any) -> Trial:
    base = Trial(
        id=f"t{number}",
        study="demo",
        number=number,
        state=TrialState.RUNNING,
        attempt=1,
        worker="w",
        lease_expires_at=NOW + timedelta(seconds=number),
        architecture=architecture,
        canonical_id=canonical_id(architecture),
        origin=Origin("acquisition", (0.1, -2.5), 0.9, 0.1, -3.0, 7),
        model_hash="f" * 64,
        value=None,
        values=None,
        std=None,
        reason=None,
        finished_attempt=None,
        created_at=NOW,
        finished_at=None,
    )
    return replace(base, **changes)


def stored(database: Database, study: Study, values: Sequence[float | None]) -> list[Trial]:
    """Trials, completed where there is a value and running where there is none."""
    made = [
        trial(number, architecture, value=value, state=TrialState.RUNNING if value is None else TrialState.COMPLETED)
        for number, (architecture, value) in enumerate(zip(architectures(len(values)), values, strict=True), start=1)
    ]
    assert all(database.write_here(lambda session: [trials.add(session, study.id, each) for each in made]))
    return made


def test_what_is_stored_comes_back_equal(database: Database, study: Study) -> None:
    (made,) = stored(database, study, [None])
    assert database.read_here(lambda session: trials.find(session, ["t1", "absent"])) == {"t1": made}
    changed = replace(made, state=TrialState.STOPPED, value=-0.25, std=0.5, reason="enough", finished_attempt=1, finished_at=NOW)
    database.write_here(lambda session: trials.save(session, study.id, made, changed))
    assert database.read_here(lambda session: trials.find(session, ["t1"])) == {"t1": changed}


def test_an_isomorphic_architecture_is_stored_once_in_a_study_and_again_in_another(database: Database, study: Study) -> None:
    (made,) = stored(database, study, [None])
    twin = replace(made, id="twin", number=2)
    assert not database.write_here(lambda session: trials.add(session, study.id, twin))
    other = database.write_here(lambda session: studies.create(session, replace(SETTINGS, name="other"), NOW))
    assert database.write_here(lambda session: trials.add(session, other.id, replace(twin, number=1)))


def test_pages_hold_every_trial_once_and_in_order(database: Database, study: Study) -> None:
    stored(database, study, [None, 0.1, 0.2, None, 0.3, 0.4, None])
    for state, expected in ((None, [1, 2, 3, 4, 5, 6, 7]), (TrialState.COMPLETED, [2, 3, 5, 6])):
        numbers: list[int] = []
        while page := database.read_here(
            lambda session, state=state, after=numbers[-1] if numbers else 0: trials.page(session, study.id, state, after, 3)
        ):
            numbers += [each.number for each in page]
        assert numbers == expected


@pytest.mark.parametrize(("objective", "expected"), [("maximize", [5, 2, 4]), ("minimize", [3, 2, 4])])
def test_the_best_come_first_and_of_equals_the_oldest(
    database: Database, study: Study, objective: Any, expected: list[int]
) -> None:
    stored(database, study, [None, 0.5, 0.1, 0.5, 0.9])
    best = database.read_here(lambda session: trials.best(session, study.id, objective, 3))
    assert [each.number for each in best] == expected


def test_a_lease_has_run_out_at_its_end_and_not_before(database: Database, study: Study) -> None:
    stored(database, study, [None, None, None])
    overdue = database.read_here(lambda session: trials.expired(session, NOW + timedelta(seconds=2), study.id, 10))
    assert [each.number for each in overdue] == [1, 2]
    for seconds, expected in ((0.5, None), (2.0, study.id)):
        now = NOW + timedelta(seconds=seconds)
        assert database.read_here(lambda session, now=now: trials.overdue_study(session, now)) == expected


def test_the_search_sees_completed_trials_as_observations(database: Database, study: Study) -> None:
    made = stored(database, study, [None, 0.5, 0.1])
    observations = database.read_here(lambda session: trials.observations(session, study))
    assert [(each.architecture, each.value) for each in observations] == [(each.architecture, each.value) for each in made[1:]]
    assert database.read_here(lambda session: trials.running_architectures(session, study.id, 5)) == (made[0].architecture,)


def test_several_objectives_come_back_as_they_were_given(database: Database) -> None:
    objectives = (NamedObjective("zeta", "maximize"), NamedObjective("alpha", "minimize"), NamedObjective("parameters", "minimize"))
    settings = replace(SETTINGS, name="demo", objectives=objectives, limits=Limits(parameters=10))
    study = database.write_here(lambda session: studies.create(session, settings, NOW))
    assert database.read_here(lambda session: studies.get(session, study.id)).settings == settings
    done = trial(1, architectures(1)[0], state=TrialState.COMPLETED, value=0.5, values={"zeta": 0.5, "alpha": -2.0})
    database.write_here(lambda session: trials.add(session, study.id, done))
    (observation,) = database.read_here(lambda session: trials.observations(session, study))
    assert (observation.value, observation.further) == (0.5, (-2.0,))
    assert database.read_here(lambda session: trials.find(session, [done.id]))[done.id].values == {"zeta": 0.5, "alpha": -2.0}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_trial_that_a_sweep_is_taking_back_is_not_its_worker_s_any_more(database: Database, study: Study) -> None:
    (running,) = stored(database, study, [None])
    taken, asked = threading.Event(), threading.Event()

    def sweep(session: Session) -> None:
        (trial,) = trials.expired(session, NOW + timedelta(days=1), study.id, 10)
        trials.save(session, study.id, trial, replace(trial, state=TrialState.WAITING))
        taken.set()
        assert asked.wait(10)
        time.sleep(0.2)

    def ask(session: Session) -> list[Trial]:
        assert taken.wait(10)
        asked.set()
        return trials.held_by(session, study.id, "w")

    with ThreadPoolExecutor(2) as threads:
        sweeping, held = threads.submit(database.write_here, sweep), threads.submit(database.write_here, ask)
        sweeping.result()
        assert held.result() == []
    assert database.read_here(lambda session: trials.find(session, [running.id]))[running.id].state == TrialState.WAITING


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_listing_scans_or_sorts_a_whole_study(database: Database, study: Study) -> None:
    """A study of a million trials answers as fast as one of a thousand: each query walks an index in its order."""
    queries: dict[str, Callable[[Session], object]] = {
        "page": lambda session: trials.page(session, study.id, None, 10, 5),
        "page of a state": lambda session: trials.page(session, study.id, TrialState.COMPLETED, 10, 5),
        "waiting": lambda session: trials.waiting(session, study.id, 5),
        "held": lambda session: trials.held_by(session, study.id, "w"),
        "best": lambda session: trials.best(session, study.id, "maximize", 5),
        "expired": lambda session: trials.expired(session, NOW, study.id, 5),
        "overdue": lambda session: trials.overdue_study(session, NOW),
        "changed": lambda session: trials.changed(session, study.id, None, 10, 5),
        "last change": lambda session: trials.last_change(session, study.id),
        "tagged": lambda session: trials.page(session, study.id, None, 10, 5, "odd"),
        "last replicate": lambda session: trials.last_replicate(session, study.id, "a"),
        "of one value": lambda session: trials.with_value(session, study.id, 0.5, 5),
        "observations of some": lambda session: trials.observations(session, study, [1, 2, 3]),
        "newest completed": lambda session: selection.telling_numbers(session, study, 40),
        "names of the newest": lambda session: trials.canonical_ids(session, study.id, [TrialState.FAILED], 5),
        "by architecture": lambda session: trials.find_by_architecture(session, study.id, ["a", "b"]),
    }
    for name, query in queries.items():
        plan = explained(database, query)
        assert any("USING" in step and "INDEX" in step for step in plan if "svge_trials" in step), (name, plan)
        assert not any(step.startswith("SCAN") and "svge_trials" in step for step in plan), (name, plan)
        if name not in ("best", "held", "expired", "overdue"):
            assert not any("TEMP B-TREE" in step for step in plan), (name, plan)
    assert "USE TEMP B-TREE FOR ORDER BY" not in explained(database, queries["best"])


def explained(database: Database, query: Callable[[Session], object]) -> list[str]:
    seen: list[tuple[str, Any]] = []

    def remember(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", remember)
    try:
        database.read_here(query)
    finally:
        event.remove(database.engine, "before_cursor_execute", remember)
    statement, parameters = next(each for each in reversed(seen) if each[0].startswith("SELECT"))
    with database.engine.connect() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
        connection.execute(text("SELECT 1"))
    return [row[-1] for row in rows]
