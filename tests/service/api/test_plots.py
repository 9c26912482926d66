"""What plots are drawn from."""

from typing import Any

import numpy as np
import pytest

from service.errors import NotInstalled
from service.studies import latent_map as latent_maps
from service.studies import planes
from service.studies.planes import Plane
from tests.service.api.harness import ONE_SPACE, Service

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("objective", ["maximize", "minimize"])
async def test_the_curve_steps_at_what_was_better_than_all_before_it(service: Service, objective: str) -> None:
    await service.post("/studies", ONE_SPACE | {"objective": objective}, 201)
    assert await service.get("/studies/demo/curve") == {"improvements": [], "evaluations": 0}
    values = np.random.default_rng(3).integers(0, 20, 25) / 10
    trials = (await service.suggest("w", 26))["trials"]
    order = np.random.default_rng(4).permutation(25)
    for place, value in zip(order, values, strict=True):
        await service.observe(trials[place], float(value))
        service.clock.advance(1)
    await service.post("/observe", {"trial": trials[25]["id"], "attempt": 1, "status": "failed"})
    signed = values if objective == "maximize" else -values
    best = np.maximum.accumulate(signed)
    steps = [0, *(place for place in range(1, 25) if best[place] > best[place - 1])]
    curve = await service.get("/studies/demo/curve")
    assert curve["evaluations"] == 25
    found = [(one["evaluations"], one["value"], one["trial"]) for one in curve["improvements"]]
    assert found == [(step + 1, values[step], trials[order[step]]["id"]) for step in steps]


async def test_the_map_has_trials_and_a_sample_in_one_plane(service: Service) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    trials = (await service.suggest("w", 6))["trials"]
    for trial in trials[:4]:
        await service.observe(trial, trial["number"] / 10)
    found = await service.get("/studies/demo/latent-map", limit=5, sample=30)
    assert [trial["number"] for trial in found["trials"]] == [6, 5, 4, 3, 2]
    assert [trial["value"] for trial in found["trials"]] == [None, None, 0.4, 0.3, 0.2]
    assert len({one["canonical_id"] for one in found["sample"]}) == len(found["sample"]) == 30
    assert all(one["predicted_mean"] is not None for one in found["sample"])
    assert 0.0 < found["explained"][1] <= found["explained"][0] <= 1.0
    again = await service.get("/studies/demo/latent-map", limit=100, sample=0)
    places = {trial["trial"]: (trial["x"], trial["y"]) for trial in again["trials"]}
    assert len(places) == 6
    for trial in found["trials"]:
        assert places[trial["trial"]] == pytest.approx((trial["x"], trial["y"]))


async def test_a_trial_that_has_no_point_is_encoded_once(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    first = (await service.suggest("w"))["trials"][0]
    await service.post("/studies", ONE_SPACE | {"name": "other"}, 201)
    graph: Any = {"nodes": first["architecture"]["nodes"], "edges": first["architecture"]["edges"]}
    (queued,) = (await service.post("/studies/other/enqueue", {"architectures": [graph]}))["trials"]
    assert queued["latent"] is None
    (placed,) = (await service.get("/studies/other/latent-map"))["trials"]
    (known,) = (await service.get("/studies/demo/latent-map"))["trials"]
    assert (placed["x"], placed["y"]) == pytest.approx((known["x"], known["y"]))
    monkeypatch.setattr(service.worker, "encode", None)
    (trial,) = (await service.post("/suggest", {"study": "other", "worker": "w"}))["trials"]
    await service.observe(trial, 0.5)
    (found,) = (await service.get("/studies/other/latent-map"))["trials"]
    assert found == placed | {"state": "completed", "value": 0.5}, "what has changed is shown, with the point that is known"


async def test_the_map_by_umap_is_fitted_once_and_says_what_it_lacks(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    await service.suggest("w", 3)
    context, fitted = service.app.state.context, []
    monkeypatch.setattr(latent_maps, "_PLANES", {})
    monkeypatch.setattr(planes, "find_spec", lambda name: None)
    with pytest.raises(NotInstalled, match=r"\[umap\]"):
        await latent_maps.latent_map(context, "demo", 10, 30, projection="umap")

    async def fit(points: np.ndarray) -> planes.UmapPlane:
        fitted.append(points)
        return planes.UmapPlane(points, points[:, :2] * 10)

    monkeypatch.setattr(latent_maps, "fit_umap", fit)
    for _ in range(2):
        found = await latent_maps.latent_map(context, "demo", 10, 30, projection="umap")
    assert len(fitted) == 1
    for placed in found.sample:
        assert placed.place == pytest.approx(np.array(placed.encoding.mean[:2]) * 10)
    assert await latent_maps.point_at(context, "demo", found.sample[3].place, "umap") == pytest.approx(
        found.sample[3].encoding.mean
    )
    assert (await latent_maps.latent_map(context, "demo", 10, 30)).explained != found.explained


async def test_umap_keeps_together_what_lies_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """In Python, because umap-learn takes longer to compile than to place a few points."""
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(middle, 0.1, (8, 6)) for middle in (0.0, 5.0)])
    places = np.array((await planes.fit_umap(points)).place(points.tolist()))
    distances = np.linalg.norm(places[:, None] - places[None], axis=2)
    assert max(distances[:8, :8].max(), distances[8:, 8:].max()) < distances[:8, 8:].min()


async def test_limits_and_names_are_checked(service: Service) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    for given in ({"limit": 0}, {"limit": 1001}, {"sample": -1}, {"sample": 1001}):
        problem = await service.get("/studies/demo/latent-map", 422, **given)
        assert problem["errors"][0]["pointer"] == f"/{next(iter(given))}"
    for path in ("curve", "latent-map"):
        assert (await service.get(f"/studies/none/{path}", 404))["code"] == "study_not_found"


def test_the_plane_keeps_the_directions_of_largest_variance() -> None:
    rng = np.random.default_rng(0)
    points = rng.standard_normal((400, 3)) * [3.0, 0.1, 1.0] @ np.linalg.qr(rng.standard_normal((3, 3)))[0]
    plane = Plane(points)
    placed = np.array(plane.place(points))
    assert np.cov(placed.T) == pytest.approx(np.diag(placed.var(0, ddof=1)), abs=1e-9)
    shares = np.linalg.eigvalsh(np.cov(points.T))[::-1] / np.trace(np.cov(points.T))
    assert plane.explained == pytest.approx(shares[:2])
    assert np.array(Plane(points[::-1]).place(points)) == pytest.approx(placed)


@pytest.mark.parametrize("points", [np.zeros((4, 3)), np.ones((1, 1)), np.arange(5.0)[:, None]])
def test_a_plane_of_too_few_directions_has_zeros(points: np.ndarray) -> None:
    placed = np.array(Plane(points).place(points))
    assert placed.shape == (len(points), 2)
    assert (placed[:, 1] == 0.0).all()
    assert np.isfinite(placed).all()


def test_a_lifted_place_is_where_it_was_and_lies_in_the_plane() -> None:
    rng = np.random.default_rng(4)
    plane = Plane(rng.standard_normal((40, 6)))
    point = plane.lift((0.7, -1.3))
    assert len(point) == 6
    assert plane.place([point])[0] == pytest.approx((0.7, -1.3))
    step = np.array(plane.lift((1.7, -1.3))) - np.array(point)
    assert np.linalg.norm(step) == pytest.approx(1.0), "the axes have length one"


def test_a_place_between_points_of_the_fit_is_drawn_to_the_nearer_ones() -> None:
    known = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 9.0, 0.0]])
    plane = planes.UmapPlane(known, np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 90.0]]))
    assert plane.place(known.tolist()) == [pytest.approx(place, abs=1e-5) for place in ((0.0, 0.0), (10.0, 0.0), (0.0, 90.0))]
    ((x, y),) = plane.place([(0.9, 0.0, 0.0)])
    assert 8.0 < x < 10.0
    assert 0.0 < y < 2.0
    assert plane.lift((x, y))[0] == pytest.approx(0.9, abs=0.1)
    assert plane.place([]) == []
