"""A study's trials in a plane: the two directions of its latent space in which random architectures differ most (PCA).

The plane belongs to checkpoint and space alone, so that trials keep their places while the study grows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import anyio.to_thread
import numpy as np
import numpy.typing as npt

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonicalise
from models.search.proposal import Prediction
from models.spaces.space import SearchSpace
from service.storage import trials
from service.storage.session import Database
from service.storage.values import Study, Trial
from service.studies.context import Context
from service.studies.latent_points import Point, points_of
from service.studies.latents import Scope, predicted, study_scope
from service.workers.worker import Encoding

_SAMPLE_SEED = 0
_AXES_FROM = 512
"""Random architectures that the axes are found from."""

_MOST_KEPT = 8
_MOST_MAPS = 4

Points = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Placed:
    """A random architecture of the space in the plane, with what the study's surrogate expects of it, where there is one."""

    encoding: Encoding
    place: tuple[float, float]
    prediction: Prediction | None


@dataclass(frozen=True, slots=True)
class LatentMap:
    """The newest trials and a sample of the `space`, each with its place; `explained` is the variance's share along each axis.

    `points` are the latent points of the trials.
    """

    space: SearchSpace
    trials: Sequence[tuple[Trial, tuple[float, float]]]
    points: Sequence[Point]
    sample: Sequence[Placed]
    explained: tuple[float, float]


async def latent_map(context: Context, name: str, limit: int, sample: int, with_predictions: bool = True) -> LatentMap:
    """At most `limit` trials and `sample` architectures of the space; `with_predictions` the surrogate is asked about the sample.

    Raises `StudyNotFound` and `ModelUnavailable`.
    """
    scope = await study_scope(context, name)
    assert scope.study is not None
    found = await _kept_map(context, scope, scope.study, limit, sample)
    if not with_predictions:
        return found
    graphs = {placed.encoding.canonical_id: placed.encoding.architecture for placed in found.sample}
    predictions = await predicted(context, scope.study, graphs)
    return replace(found, sample=[replace(one, prediction=predictions.get(one.encoding.canonical_id)) for one in found.sample])


async def point_at(context: Context, name: str, place: tuple[float, float]) -> Point:
    """The latent point in the plane at these coordinates. Raises `StudyNotFound` and `ModelUnavailable`."""
    plane, _ = await _axes(context, await study_scope(context, name), 0)
    return plane.lift(place)


def near(found: LatentMap, point: Point, count: int) -> list[tuple[Trial, float]]:
    """The `count` trials of the map that lie nearest to a latent point, and their Euclidean distances."""
    if not found.trials:
        return []
    distances = np.linalg.norm(np.array(found.points) - np.array(point), axis=1)
    return [(found.trials[place][0], float(distances[place])) for place in np.argsort(distances, kind="stable")[:count]]


class Plane:
    """The first two principal axes of latent points (`n x d`); each points to where its largest coordinate is positive."""

    def __init__(self, points: Points) -> None:
        self._center = points.mean(axis=0)
        _, scales, axes = np.linalg.svd(points - self._center, full_matrices=False)
        padded = np.zeros((2, points.shape[1]))
        padded[: len(axes[:2])] = axes[:2]
        largest = np.abs(padded).argmax(axis=1)
        self._axes: Points = padded * np.sign(padded[np.arange(2), largest] + (padded[np.arange(2), largest] == 0.0))[:, None]
        shares = np.concatenate([scales**2, np.zeros(2)]) / max(float((scales**2).sum()), 1e-300)
        self.explained: tuple[float, float] = (float(shares[0]), float(shares[1]))

    def lift(self, place: tuple[float, float]) -> Point:
        """The latent point of the plane with these coordinates."""
        return tuple((self._center + np.array(place) @ self._axes).tolist())

    def place(self, points: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
        """The coordinates of latent points along the axes."""
        if not len(points):
            return []
        return [(x, y) for x, y in ((np.array(points) - self._center) @ self._axes.T).tolist()]


_KEPT: dict[tuple[str, str, int], tuple[Plane, Sequence[Encoding]]] = {}
"""The planes of the last checkpoints, with the random architectures that each was found from."""


async def _axes(context: Context, scope: Scope, sample: int) -> tuple[Plane, Sequence[Encoding]]:
    """The plane of a checkpoint, and the random architectures that it was found from."""
    count = max(sample, _AXES_FROM)
    key = (scope.card.hash, scope.space.name, count)
    if key not in _KEPT:
        drawn = await anyio.to_thread.run_sync(_draw, scope.space, count)
        encodings = await context.compute(context.worker.encode(scope.card.hash, drawn))
        while len(_KEPT) >= _MOST_KEPT:
            _KEPT.pop(next(iter(_KEPT)))
        _KEPT[key] = Plane(np.array([encoding.mean for encoding in encodings])), encodings
    return _KEPT[key]


def _draw(space: SearchSpace, count: int) -> list[Architecture]:
    rng = np.random.default_rng(_SAMPLE_SEED)
    return list(dict.fromkeys(canonicalise(space.sample(rng)) for _ in range(count)))


_MAPS: WeakKeyDictionary[Database, dict[tuple[int, str, int, int], tuple[int, LatentMap]]] = WeakKeyDictionary()
"""The last maps of each database, by study, checkpoint and size, with the change of the study that they show: every click looks at
one.
"""


async def _kept_map(context: Context, scope: Scope, study: Study, limit: int, sample: int) -> LatentMap:
    """The map without predictions, made anew where something has changed."""
    maps, key = _MAPS.setdefault(context.database, {}), (study.id, scope.card.hash, limit, sample)
    change = await context.database.read(lambda session: trials.last_change(session, study.id))
    if key not in maps or maps[key][0] != change:
        found = await _new_map(context, scope, study, limit, sample)
        maps.pop(key, None)
        while len(maps) >= _MOST_MAPS:
            maps.pop(next(iter(maps)))
        maps[key] = change, found
    return maps[key][1]


async def _new_map(context: Context, scope: Scope, study: Study, limit: int, sample: int) -> LatentMap:
    plane, encodings = await _axes(context, scope, sample)
    newest = await context.database.read(lambda session: trials.newest(session, study.id, limit))
    points = await points_of(context, scope.card.hash, newest)
    shown = list({encoding.canonical_id: encoding for encoding in encodings[:sample]}.values())
    places = plane.place([encoding.mean for encoding in shown])
    return LatentMap(
        scope.space,
        list(zip(newest, plane.place(points), strict=True)),
        points,
        [Placed(encoding, place, None) for encoding, place in zip(shown, places, strict=True)],
        plane.explained,
    )
