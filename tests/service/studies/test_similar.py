"""Which trials are most like an architecture."""

import pytest

from models.architectures.edit_distance import edit_distance
from service.studies.history import read_trial
from service.studies.similar import similar_trials
from tests.service.api.harness import Service

pytestmark = pytest.mark.anyio


async def test_the_nearest_trials_come_first_and_never_the_architecture_itself(service: Service) -> None:
    await service.post("/studies", {"name": "demo", "space": "nasbench201", "initial_size": 100}, 201)
    trials = (await service.suggest("w", 12))["trials"]
    for trial in trials[:6]:
        await service.observe(trial, 0.5)
    context = service.app.state.context
    known = [(await read_trial(context, trial["id"])).trial for trial in trials]
    found = await similar_trials(context, "demo", known[0].architecture, 4)
    expected = sorted((edit_distance(known[0].architecture, one.architecture), one.number) for one in known[1:])[:4]
    assert [(each.distance, each.trial.number) for each in found] == expected
