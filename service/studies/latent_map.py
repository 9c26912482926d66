"""A study's trials in a plane: by the two directions of its latent space in which random architectures differ most (PCA), or by how
these lie together (UMAP).

The plane belongs to checkpoint and space alone, so that trials keep their places while the study grows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar
from weakref import WeakKeyDictionary

import anyio
import anyio.to_thread
import numpy as np

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonicalise
from models.search.embedding import Points
from models.search.proposal import Prediction
from models.spaces.space import SearchSpace
from service.storage import trials
from service.storage.session import Database
from service.storage.values import Study, Trial
from service.studies.context import Context
from service.studies.latent_points import Point, points_of
from service.studies.latents import Scope, predicted, study_scope
from service.studies.planes import AnyPlane, Plane, Projection, fit_umap
from service.workers.worker import Encoding

Key = TypeVar("Key")
Value = TypeVar("Value")

_SAMPLE_SEED = 0
_AXES_FROM = 512
"""Random architectures that the axes are found from."""

_MOST_KEPT = 8
_MOST_MAPS = 4


@dataclass(frozen=True, slots=True)
class Placed:
    """A random architecture of the space in the plane, with what the study's surrogate expects of it, where there is one."""

    encoding: Encoding
    place: tuple[float, float]
    prediction: Prediction | None


@dataclass(frozen=True, slots=True)
class LatentMap:
    """The newest trials and a sample of the `space`, each with its place; `explained` is as in `AnyPlane`.

    `points` are the latent points of the trials.
    """

    space: SearchSpace
    trials: Sequence[tuple[Trial, tuple[float, float]]]
    points: Sequence[Point]
    sample: Sequence[Placed]
    explained: tuple[float, float] | None


async def latent_map(
    context: Context, name: str, limit: int, sample: int, with_predictions: bool = True, projection: Projection = "pca"
) -> LatentMap:
    """At most `limit` trials and `sample` architectures of the space; `with_predictions` the surrogate is asked about the sample.

    Raises `StudyNotFound`, `ModelUnavailable` and `NotInstalled`.
    """
    scope = await study_scope(context, name)
    assert scope.study is not None
    found = await _kept_map(context, scope, scope.study, _Size(limit, sample, projection))
    if not with_predictions:
        return found
    graphs = {placed.encoding.canonical_id: placed.encoding.architecture for placed in found.sample}
    predictions = await predicted(context, scope.study, graphs)
    return replace(found, sample=[replace(one, prediction=predictions.get(one.encoding.canonical_id)) for one in found.sample])


async def point_at(context: Context, name: str, place: tuple[float, float], projection: Projection = "pca") -> Point:
    """The latent point in the plane at these coordinates. Raises `StudyNotFound`, `ModelUnavailable` and `NotInstalled`."""
    plane, _ = await _plane(context, await study_scope(context, name), _Size(0, 0, projection))
    return plane.lift(place)


async def sampled(context: Context, name: str, sample: int) -> Sequence[Encoding]:
    """The random architectures that maps of so many show, in their order. Raises `StudyNotFound` and `ModelUnavailable`."""
    _, encodings = await _plane(context, await study_scope(context, name), _Size(0, sample, "pca"))
    return _distinct(encodings[:sample])


def near(found: LatentMap, point: Point, count: int) -> list[tuple[Trial, float]]:
    """The `count` trials of the map that lie nearest to a latent point, and their Euclidean distances."""
    if not found.trials:
        return []
    distances = np.linalg.norm(np.array(found.points) - np.array(point), axis=1)
    return [(found.trials[place][0], float(distances[place])) for place in np.argsort(distances, kind="stable")[:count]]


def placed_near(found: LatentMap, place: tuple[float, float], reach: float) -> tuple[tuple[float, float], Point] | None:
    """The place and the latent point of the trial or sampled architecture next to a place of the plane; None where none is within
    `reach` of it.
    """
    known = [(at, point) for (_, at), point in zip(found.trials, found.points, strict=True)]
    known += [(each.place, each.encoding.mean) for each in found.sample]
    if not known:
        return None
    distances = np.linalg.norm(np.array([at for at, _ in known]) - np.array(place), axis=1)
    nearest = int(distances.argmin())
    return known[nearest] if distances[nearest] <= reach else None


class _Size(NamedTuple):
    """How much of a study is shown, and in which plane."""

    limit: int
    sample: int
    projection: Projection


_KEPT: dict[tuple[str, str, int], Sequence[Encoding]] = {}
"""The random architectures of the last checkpoints, from which planes are found."""

_FITTING = anyio.Lock()

_PLANES: dict[tuple[str, str, int, Projection], AnyPlane] = {}
"""The planes of the last checkpoints."""


async def _plane(context: Context, scope: Scope, size: _Size) -> tuple[AnyPlane, Sequence[Encoding]]:
    """The plane of a checkpoint, and the random architectures that it was found from."""
    count = max(size.sample, _AXES_FROM)
    key = (scope.card.hash, scope.space.name, count)
    if key not in _KEPT:
        drawn = await anyio.to_thread.run_sync(_draw, scope.space, count)
        _keep(_KEPT, key, await context.compute(context.worker.encode(scope.card.hash, drawn)), _MOST_KEPT)
    encodings = _KEPT[key]
    which = (*key, size.projection)
    if which not in _PLANES:
        points = np.array([encoding.mean for encoding in encodings])
        _keep(_PLANES, which, Plane(points) if size.projection == "pca" else await _umap(which, points), _MOST_KEPT)
    return _PLANES[which], encodings


async def _umap(which: tuple[str, str, int, Projection], points: Points) -> AnyPlane:
    """One fit at a time: who asks meanwhile gets what the first one has found."""
    async with _FITTING:
        return _PLANES.get(which) or await fit_umap(points)


def _keep(kept: dict[Key, Value], key: Key, value: Value, most: int) -> None:
    """Put a value in the place of the oldest one."""
    kept.pop(key, None)
    while len(kept) >= most:
        kept.pop(next(iter(kept)))
    kept[key] = value


def _draw(space: SearchSpace, count: int) -> list[Architecture]:
    rng = np.random.default_rng(_SAMPLE_SEED)
    return list(dict.fromkeys(canonicalise(space.sample(rng)) for _ in range(count)))


def _distinct(encodings: Sequence[Encoding]) -> Sequence[Encoding]:
    return list({encoding.canonical_id: encoding for encoding in encodings}.values())


_MAPS: WeakKeyDictionary[Database, dict[tuple[int, str, _Size], tuple[int, LatentMap]]] = WeakKeyDictionary()
"""The last maps of each database, by study, checkpoint and size, with the change of the study that they show: every click looks at
one.
"""


async def _kept_map(context: Context, scope: Scope, study: Study, size: _Size) -> LatentMap:
    """The map without predictions, made anew where something has changed."""
    maps, key = _MAPS.setdefault(context.database, {}), (study.id, scope.card.hash, size)
    change = await context.database.read(lambda session: trials.last_change(session, study.id))
    if key not in maps or maps[key][0] != change:
        _keep(maps, key, (change, await _new_map(context, scope, study, size)), _MOST_MAPS)
    return maps[key][1]


async def _new_map(context: Context, scope: Scope, study: Study, size: _Size) -> LatentMap:
    plane, encodings = await _plane(context, scope, size)
    newest = await context.database.read(lambda session: trials.newest(session, study.id, size.limit))
    points = await points_of(context, scope.card.hash, newest)
    shown = _distinct(encodings[: size.sample])
    places = plane.place([encoding.mean for encoding in shown])
    return LatentMap(
        scope.space,
        list(zip(newest, plane.place(points), strict=True)),
        points,
        [Placed(encoding, place, None) for encoding, place in zip(shown, places, strict=True)],
        plane.explained,
    )
