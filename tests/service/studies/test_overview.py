"""A study from above: its pulse, an even spread of its trials, any part of its listing, and what happened last."""

from dataclasses import replace
from weakref import WeakKeyDictionary

import pytest

from service.errors import StudyNotFound
from service.storage import curves
from service.storage.overview import spread_step
from service.storage.values import TrialState
from service.studies import curve as curve_module
from service.studies import overview
from service.studies.curve import curve
from tests.service.api.harness import Service

pytestmark = pytest.mark.anyio


async def grow(service: Service, values: list[float]) -> None:
    await service.post("/studies", {"name": "demo", "space": "nasbench201", "initial_size": 100}, 201)
    trials = (await service.suggest("w", len(values)))["trials"]
    for trial, value in zip(trials, values, strict=True):
        await service.observe(trial, value)


@pytest.mark.parametrize(
    ("size", "limit", "step"), [(0, 10, 1), (10, 10, 1), (11, 10, 2), (20, 10, 2), (25, 10, 4), (100_000, 1000, 128)]
)
def test_a_spread_takes_a_power_of_two_and_no_more_than_it_may(size: int, limit: int, step: int) -> None:
    assert spread_step(size, limit) == step
    assert size // step <= limit


async def test_a_spread_is_even_and_the_same_while_the_study_grows_to_its_double(service: Service) -> None:
    await grow(service, [0.1 * place for place in range(1, 11)])
    context = service.app.state.context
    whole = await overview.spread(context, "demo", 100)
    assert ([each.number for each in whole.results], whole.step, whole.size) == (list(range(1, 11)), 1, 10)
    part = await overview.spread(context, "demo", 5)
    assert [each.number for each in part.results] == [2, 4, 6, 8, 10]
    assert [each.value for each in part.results] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])


async def test_every_part_of_a_listing_is_what_the_whole_has_there(service: Service) -> None:
    await grow(service, [0.5, 0.9, 0.1, 0.9, 0.3])
    context = service.app.state.context
    orders = {
        "newest": [5, 4, 3, 2, 1],
        "oldest": [1, 2, 3, 4, 5],
        "highest": [2, 4, 1, 5, 3],
        "lowest": [3, 5, 1, 2, 4],
    }
    for order, numbers in orders.items():
        for offset in range(6):
            found = await overview.listing(context, "demo", None, order, offset, 2)
            assert [trial.number for trial in found.trials] == numbers[offset : offset + 2]
            assert found.size == 5


async def test_a_listing_of_one_state_counts_that_state_alone(service: Service) -> None:
    await grow(service, [0.5, 0.9])
    await service.suggest("other", 3)
    context = service.app.state.context
    running = await overview.listing(context, "demo", TrialState.RUNNING, "oldest", 1, 10)
    assert ([trial.number for trial in running.trials], running.size) == ([4, 5], 3)
    by_value = await overview.listing(context, "demo", TrialState.RUNNING, "highest", 0, 10)
    assert {trial.state for trial in by_value.trials} == {TrialState.COMPLETED}, "others have no value to be ordered by"


async def test_events_are_the_last_changes_each_with_its_time(service: Service) -> None:
    await grow(service, [0.5, 0.9])
    service.clock.advance(60)
    (late,) = (await service.suggest("other", 1))["trials"]
    service.clock.advance(60)
    found = await overview.events(service.app.state.context, "demo", 2)
    assert [(event.number, event.state, event.value) for event in found] == [(3, "running", None), (2, "completed", 0.9)]
    pulse = await overview.pulse(service.app.state.context, "demo")
    assert pulse.last == found[0]
    assert found[0].trial == late["id"]
    assert (pulse.now - found[0].at).total_seconds() == pytest.approx(60, abs=20)
    assert (pulse.now - found[1].at).total_seconds() == pytest.approx(120, abs=20)


async def test_the_pulse_moves_with_every_change_and_not_without_one(service: Service) -> None:
    await grow(service, [0.5])
    context = service.app.state.context
    before = await overview.last_change(context, "demo")
    assert await overview.last_change(context, "demo") == before == (await overview.pulse(context, "demo")).change
    await service.suggest("other", 1)
    assert await overview.last_change(context, "demo") > before


async def test_studies_come_with_the_newest_first(service: Service) -> None:
    await grow(service, [0.5, 0.9, 0.1])
    await service.post("/studies", {"name": "less", "space": "nasbench201", "objective": "minimize"}, 201)
    for value in (0.5, 0.9, 0.1):
        (trial,) = (await service.post("/suggest", {"study": "less", "worker": "w"}))["trials"]
        await service.observe(trial, value)
    await service.post("/studies", {"name": "later", "space": "nasbench201"}, 201)
    context = service.app.state.context
    found = await overview.pulses(context, 10)
    assert [pulse.summary.study.name for pulse in found] == ["later", "less", "demo"]
    assert [pulse.summary.best_value for pulse in found] == [None, 0.1, 0.9]
    assert [pulse.last is None for pulse in found] == [True, False, False]
    for pulse in found:
        alone = await overview.pulse(context, pulse.summary.study.name)
        assert replace(alone, now=pulse.now) == pulse
        assert pulse.change == await overview.last_change(context, pulse.summary.study.name)


async def test_studies_are_found_by_a_part_of_their_name(service: Service) -> None:
    for name in ("cells", "cells-2", "Cells_3", "lines"):
        await service.post("/studies", {"name": name, "space": "nasbench201"}, 201)
    context = service.app.state.context
    assert await overview.search_studies(context, "CELL", 10) == ["Cells_3", "cells-2", "cells"]
    assert await overview.search_studies(context, "_", 10) == ["Cells_3"], "what stands for any letter in SQL is a letter here"
    assert await overview.search_studies(context, "", 2) == ["lines", "Cells_3"]
    assert await overview.existing_studies(context, ["lines", "none", "cells"]) == ["lines", "cells"]


async def test_a_curve_that_is_kept_is_never_an_old_one(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    await grow(service, [0.5])
    context = service.app.state.context
    assert [each.value for each in (await curve(context, "demo")).improvements] == [0.5]
    assert await curve(context, "demo") is await curve(context, "demo"), "nothing was completed meanwhile"
    trials = (await service.suggest("w", 5))["trials"]
    with monkeypatch.context() as patch:
        patch.setattr(curves, "improvements", None)
        for trial, value in zip(trials[:4], (0.75, 0.75, 0.6, 0.8), strict=True):
            service.clock.advance(1)
            await service.observe(trial, value)
            if value != 0.6:
                found = await curve(context, "demo")
        (await service.client.patch(f"/trials/{trials[0]['id']}", json={"note": "seen"})).raise_for_status()
        assert await curve(context, "demo") == found
    assert [(each.evaluations, each.value) for each in found.improvements] == [(1, 0.5), (2, 0.75), (5, 0.8)]
    service.clock.advance(-3600)
    await service.observe(trials[4], 0.7)
    early = await curve(context, "demo")
    assert [(each.evaluations, each.value) for each in early.improvements][0] == (1, 0.7), "a clock was put back"
    monkeypatch.setattr(curve_module, "_KEPT", WeakKeyDictionary())
    assert await curve(context, "demo") == early


async def test_an_unknown_study_is_told(service: Service) -> None:
    context = service.app.state.context
    for look in (overview.last_change, overview.pulse):
        with pytest.raises(StudyNotFound):
            await look(context, "none")
