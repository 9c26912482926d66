import math
from typing import Any

import numpy as np
import pytest

from models.architectures.canonical import canonical_id
from models.pretrained.catalogue import UnknownModel
from models.spaces.nasbench201 import NasBench201
from models.spaces.registry import get_space
from tests.fakes import LATENT_SIZE, fake_latent
from tests.service.api.harness import ONE_SPACE, Service

pytestmark = pytest.mark.anyio


@pytest.fixture
async def demo(service: Service) -> Service:
    await service.post("/studies", ONE_SPACE, 201)
    return service


def joined(point: Any) -> str:
    return ",".join(map(str, point))


async def test_encoding_answers_the_posterior_and_the_canonical_id_of_each(service: Service) -> None:
    nodes, edges = ["input", "conv3x3", "conv1x1", "output"], [[0, 1], [0, 2], [1, 3], [2, 3]]
    twin = {"nodes": ["input", "conv1x1", "conv3x3", "output"], "edges": edges}
    other = {"nodes": ["input", "output"], "edges": [[0, 1]]}
    body = {"space": "nasbench101", "architectures": [{"nodes": nodes, "edges": edges}, twin, other]}
    first, second, third = (await service.post("/encode", body))["latents"]
    assert first == second
    assert first["canonical_id"] != third["canonical_id"]
    assert len(first["mean"]) == len(first["std"]) == LATENT_SIZE


async def test_the_latent_space_may_be_named_in_three_ways(demo: Service) -> None:
    architecture = (await demo.suggest("w"))["trials"][0]["architecture"]
    answers = [
        await demo.post("/encode", {**scope, "architectures": [architecture]})
        for scope in ({"space": "nasbench201"}, {"model": "lines"}, {"study": "demo"})
    ]
    assert answers[0] == answers[1] == answers[2]


async def test_a_thousand_architectures_are_encoded_and_decoded_in_one_request(service: Service) -> None:
    space, rng = get_space("nasbench101"), np.random.default_rng(0)
    sampled = [space.sample(rng) for _ in range(1000)]
    body = {"space": "nasbench101", "architectures": [{"nodes": a.nodes, "edges": a.edges} for a in sampled]}
    latents = (await service.post("/encode", body))["latents"]
    assert [latent["mean"] for latent in latents] == [list(fake_latent(a)) for a in sampled]
    points = [latent["mean"] for latent in latents]
    answer = await service.post("/decode", {"model": "cells", "latents": points, "mode": "greedy"})
    assert [item["point"] for item in answer["architectures"]] == list(range(1000))


async def test_decoding_a_point_answers_distinct_architectures_and_their_share(demo: Service) -> None:
    answer = await demo.get("/decode", study="demo", z="0.1,-0.3,0,1", samples=50)
    items = answer["architectures"]
    assert answer["points"] == [[0.1, -0.3, 0.0, 1.0]]
    assert len({item["canonical_id"] for item in items}) == len(items)
    assert math.isclose(sum(item["frequency"] for item in items), 1.0)
    assert all(item["valid"] and item["round_trip_distance"] > 0 and item["predicted_mean"] is None for item in items)
    assert await demo.get("/decode", study="demo", z="0.1,-0.3,0,1", samples=50) == answer
    assert await demo.get("/decode", study="demo", z="0.1,-0.3,0,1", samples=50, seed=1) != answer


async def test_with_observations_come_predictions_and_what_was_tried_is_named(demo: Service) -> None:
    item = (await demo.get("/decode", study="demo", z="0,0,0,0", mode="greedy"))["architectures"][0]
    await demo.post("/observe", {"study": "demo", "architecture": item["architecture"], "value": 0.25})
    await demo.observe((await demo.suggest("w"))["trials"][0], 0.75)
    again = (await demo.get("/decode", study="demo", z="0,0,0,0", mode="greedy"))["architectures"][0]
    assert (again["predicted_mean"], again["predicted_std"], again["acquisition_value"]) == (0.5, 0.5, -1.0)
    assert (await demo.get(f"/trials/{again['trial']}"))["trial"]["canonical_id"] == item["canonical_id"]
    assert item["trial"] is None
    without = (await demo.get("/decode", model="lines", z="0,0,0,0", mode="greedy"))["architectures"][0]
    assert (without["predicted_mean"], without["trial"]) == (None, None)


async def test_a_trial_is_decoded_from_its_own_point(demo: Service) -> None:
    trial = (await demo.suggest("w"))["trials"][0]
    answer = await demo.get("/decode", trial=trial["id"])
    assert answer["points"] == [trial["latent"]]
    fallback = (await demo.suggest("v", wait=0))["trials"][0]
    assert len((await demo.get("/decode", trial=fallback["id"], study="demo"))["points"][0]) == LATENT_SIZE
    await demo.get("/decode", 422, trial=trial["id"], model="lines")


async def test_random_points_depend_on_the_seed(demo: Service) -> None:
    answers = [await demo.get("/decode", study="demo", random=3, seed=seed) for seed in (0, 0, 1)]
    assert len(answers[0]["points"]) == 3
    assert answers[0] == answers[1]
    assert answers[0]["points"] != answers[2]["points"]


async def test_points_between_two_are_evenly_spaced(demo: Service) -> None:
    start, end = [0.0, 0.0, 0.0, 0.0], [1.0, -2.0, 0.5, 4.0]
    answer = await demo.get("/decode", **{"study": "demo", "from": joined(start), "to": joined(end), "steps": 5})
    assert np.allclose(answer["points"], [np.multiply(end, step / 4) for step in range(5)])
    assert {item["point"] for item in answer["architectures"]} == {0, 1, 2, 3, 4}


async def test_both_ways_to_decode_agree(demo: Service) -> None:
    point = [0.5, 0.25, -1.0, 0.0]
    body = {"study": "demo", "latents": [point], "samples": 7, "seed": 3}
    assert await demo.post("/decode", body) == await demo.get("/decode", study="demo", z=joined(point), samples=7, seed=3)


async def test_a_study_says_what_it_expects_of_architectures_and_which_it_has_tried(demo: Service) -> None:
    trials = (await demo.suggest("w", 3))["trials"]
    body = {"study": "demo", "architectures": [trial["architecture"] for trial in trials]}
    early = (await demo.post("/predict", body))["predictions"]
    assert [one["trial"] for one in early] == [trial["id"] for trial in trials]
    assert {one["predicted_mean"] for one in early} == {None}
    for trial, value in zip(trials, (0.2, 0.4, 0.6), strict=True):
        await demo.observe(trial, value)
    new = next(one for one in NasBench201().enumerate() if canonical_id(one) not in {trial["canonical_id"] for trial in trials})
    body["architectures"] += [{"nodes": new.nodes, "edges": new.edges}] * 2
    late = (await demo.post("/predict", body))["predictions"]
    assert [one["canonical_id"] for one in late] == [*(trial["canonical_id"] for trial in trials), *[canonical_id(new)] * 2]
    assert [one["trial"] for one in late[3:]] == [None, None]
    assert all(one["predicted_mean"] == pytest.approx(0.4) and one["predicted_std"] > 0.0 for one in late)


async def test_predictions_name_what_is_wrong(demo: Service) -> None:
    body = {"study": "demo", "architectures": [{"nodes": ["input", "output"], "edges": [[0, 7]]}]}
    assert (await demo.post("/predict", body, 422))["errors"][0]["pointer"].startswith("/architectures/0")
    assert (await demo.post("/predict", body | {"study": "none"}, 404))["code"] == "study_not_found"
    assert (await demo.post("/predict", {"study": "demo", "architectures": []}, 422))["errors"][0]["pointer"] == "/architectures"


async def test_a_checkpoint_that_the_worker_does_not_see_is_said_to_be_unavailable(
    demo: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def encode(*arguments: object) -> None:
        raise UnknownModel("there is no checkpoint 'lines'")

    monkeypatch.setattr(demo.worker, "encode", encode)
    trial = (await demo.suggest("w"))["trials"][0]
    answer = await demo.post("/encode", {"study": "demo", "architectures": [trial["architecture"]]}, 503)
    assert (answer["code"], "folders" in answer["detail"]) == ("model_unavailable", True)
