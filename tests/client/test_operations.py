"""Every operation that the service documents has a method, on both clients, which really calls it and understands the answer."""

import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from svge_client import Architecture, AsyncClient, Client, Decoding, Latent, Model, Prediction, Result, Space, Trial

from models.spaces.nasbench101 import NasBench101
from tests.client.live import Recorder, application, listening
from tests.fakes import checkpoint_bytes
from tests.service.api.uploading import MINE, WHOLE, YAML

pytestmark = pytest.mark.anyio

WITHOUT = {
    "healthz": "a probe of whoever restarts the process, which looks at its status alone",
    "read_metrics": "text for Prometheus, which reads it by itself",
}
CELLS = [Architecture(one.space, one.nodes, one.edges) for one in map(NasBench101().sample, map(np.random.default_rng, range(5)))]
ORIGIN = [0.0] * 4


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Recorder:
    return Recorder(application(tmp_path_factory.mktemp("service"), "other"))


@pytest.fixture(scope="module")
def url(recorder: Recorder) -> Iterator[str]:
    with listening(recorder) as address:
        yield address


Says = Callable[[Any], Any]


class Both:
    """A client of either kind behind the face of the one with asyncio; listings come as lists."""

    def __init__(self, client: Client | AsyncClient) -> None:
        self.client = client

    def __getattr__(self, name: str) -> Says:
        async def call(*arguments: Any, **options: Any) -> Any:
            answer = getattr(self.client, name)(*arguments, **options)
            if isinstance(answer, AsyncIterator):
                return [one async for one in answer]
            if inspect.isawaitable(answer):
                return await answer
            return list(answer) if isinstance(answer, Iterator) else answer

        return call

    async def close(self) -> None:
        if isinstance(self.client, AsyncClient):
            await self.client.close()
        else:
            self.client.close()


@pytest.fixture(params=[Client, AsyncClient])
async def client(request: pytest.FixtureRequest, url: str, recorder: Recorder) -> AsyncIterator[Both]:
    recorder.called.clear()
    both = Both(request.param(url))
    yield both
    await both.close()


async def test_every_operation_has_a_method_on_both_clients(client: Both, recorder: Recorder, tmp_path: Path) -> None:
    study = f"study-{type(client.client).__name__}"
    await of_studies(client, study)
    await of_trials(client, study)
    await of_latents(client, study)
    await of_the_catalogue(client, tmp_path)
    await client.delete_study(study)
    assert recorder.operations - recorder.called == set(WITHOUT)


async def of_studies(client: Any, study: str) -> None:
    await client.create_study(study, "nasbench101", max_trials=20, lease_seconds=60, strategy="random", model="fake")
    assert (await client.annotate_study(study, note="n", tags=["t", type(client.client).__name__])).tags[0] == "t"
    assert [one.name for one in await client.studies(1, tag=type(client.client).__name__)] == [study]
    assert (await client.studies_page(1, tag="nothing")).studies == ()
    assert (await client.close_study(study)).closed_at is not None
    assert (await client.reopen_study(study)).closed_at is None
    assert (await client.enqueue(study, CELLS[:1]))[0].state == "waiting"
    assert [trial.value for trial in await client.add_results(study, [Result(CELLS[1], 0.5), Result(CELLS[2], 0.75, std=0.1)])] == [
        0.5,
        0.75,
    ]
    assert await client.add_results(study, []) == ()
    exported = await client.export(study)
    assert (await client.import_trials(study, exported)).unchanged == 2
    frame = await client.to_dataframe(study)
    assert frame.loc[frame["value"].notna(), "value"].tolist() == [0.5, 0.75]
    assert (await client.best(study))[0].value == 0.75
    assert [trial.value for trial in await client.pareto(study)] == [0.75]
    assert [one.value for one in (await client.curve(study)).improvements] == [0.5, 0.75]
    shown = await client.latent_map(study, sample=3)
    assert (len(shown.trials), len(shown.sample), isinstance(shown.sample[0].architecture, Architecture)) == (3, 3, True)
    before = (await client.study(study)).model_hash
    assert (await client.pin_study(study, "other")).model_hash != before


async def of_trials(client: Any, study: str) -> None:
    first, second, third = (await client.suggest(study, 3)).trials
    assert first.architecture == CELLS[0]
    await client.heartbeat([first])
    assert (await client.observe(first, 0.25)).value == 0.25
    assert (await client.infeasible(second, "too slow")).state == "infeasible"
    assert (await client.stop(third, "hopeless", value=0.1, step=2)).state == "stopped"
    history = await client.read_trial(first.id)
    assert (history.trial.value, len(history.attempts), history.observations[0].value) == (0.25, 1, 0.25)
    assert (await client.trial_as("svg", first.id)).startswith("<svg")
    assert (await client.annotate(first.id, tags=["x"])).tags == ("x",)
    (again,) = await client.replicate(first.id)
    assert again.canonical_id == first.canonical_id
    assert [step.value for step in await client.progress(first)] == []
    assert (await client.progress_page(first, 5)).next_cursor is None
    page = await client.trials_page(study, 4)
    assert [trial.number for trial in page.trials] == [1, 2, 3, 4]
    assert [trial.number for trial in (await client.trials_page(study, 4, page.next_cursor)).trials] == [5, 6]
    assert all(isinstance(trial, Trial) for trial in await client.trials(study, 2))


async def of_latents(client: Any, study: str) -> None:
    for scope in ({}, {"study": study}, {"model": "fake"}):
        (latent,) = await client.encode(CELLS[:1], **scope)
        assert isinstance(latent, Latent)
    (known, unknown) = await client.predict(study, [CELLS[1], CELLS[4]])
    assert isinstance(known, Prediction)
    assert (known.trial is None, unknown.trial) == (False, None)
    assert isinstance((await client.decode([ORIGIN], model="fake"))[0][0], Decoding)
    assert [point.latent for point in await client.decode_at(ORIGIN, study=study)] == [tuple(ORIGIN)]
    assert len((await client.decode_at(trial=known.trial))[0].decodings) > 0
    assert len(await client.decode_at(random=3, model="fake")) == 3
    line = await client.decode_at(start=ORIGIN, end=[1.0] * 4, steps=5, study=study)
    assert [point.latent[0] for point in line] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert (await client.decode_as("svg", random=2, study=study)).startswith("<svg")


async def of_the_catalogue(client: Any, folder: Path) -> None:
    file = folder / "mine.yaml"
    file.write_text(YAML)
    uploaded = [await client.upload_space(one) for one in (MINE, file, YAML)]
    assert len({one.name for one in uploaded}) == 1
    assert uploaded[0] in await client.spaces()
    assert all(isinstance(one, Space) for one in await client.spaces())
    checkpoint = folder / "mine.safetensors"
    checkpoint.write_bytes(WHOLE)
    model = await client.upload_model("my_model", checkpoint)
    assert isinstance(model, Model)
    assert model in await client.models()
    assert (await client.upload_model("second", checkpoint_bytes(seed=3))).space == "nasbench201"
    for name in ("my_model", "second"):
        await client.delete_model(name)
    assert (await client.ready())["database"] == "ok"
    assert (await client.version()).version
