"""A study's trials in a plane: the two directions of its latent space in which random architectures differ most (PCA).

The plane belongs to checkpoint and space alone, so that trials keep their places while the study grows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import anyio.to_thread
import numpy as np
import numpy.typing as npt

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonicalise
from models.search.proposal import Prediction
from models.spaces.space import SearchSpace
from service.storage import trials
from service.storage.values import Trial
from service.studies.context import Context
from service.studies.latents import Scope, predicted, study_scope
from service.workers.worker import Encoding

_SAMPLE_SEED = 0
_AXES_FROM = 512
"""Random architectures that the axes are found from."""

Points = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Placed:
    """A random architecture of the space in the plane, with what the study's surrogate expects of it, where there is one."""

    encoding: Encoding
    place: tuple[float, float]
    prediction: Prediction | None


@dataclass(frozen=True, slots=True)
class LatentMap:
    """The newest trials and a sample of the `space`, each with its place; `explained` is the variance's share along each axis."""

    space: SearchSpace
    trials: Sequence[tuple[Trial, tuple[float, float]]]
    sample: Sequence[Placed]
    explained: tuple[float, float]


async def latent_map(context: Context, name: str, limit: int, sample: int) -> LatentMap:
    """At most `limit` trials and `sample` architectures of the space. Raises `StudyNotFound` and `ModelUnavailable`."""
    scope = await study_scope(context, name)
    assert scope.study is not None
    study = scope.study
    drawn = await anyio.to_thread.run_sync(_draw, scope.space, max(sample, _AXES_FROM))
    encodings = await context.compute(context.worker.encode(scope.card.hash, drawn))
    plane = Plane(np.array([encoding.mean for encoding in encodings]))
    newest = await context.database.read(lambda session: trials.newest(session, study.id, limit))
    points = await _points(context, scope, newest)
    shown = {encoding.canonical_id: encoding for encoding in encodings[:sample]}
    predictions = await predicted(context, study, {key: encoding.architecture for key, encoding in shown.items()})
    return LatentMap(
        scope.space,
        list(zip(newest, plane.place(points), strict=True)),
        [
            Placed(encoding, place, predictions.get(key))
            for (key, encoding), place in zip(
                shown.items(), plane.place([encoding.mean for encoding in shown.values()]), strict=True
            )
        ],
        plane.explained,
    )


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

    def place(self, points: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
        """The coordinates of latent points along the axes."""
        if not len(points):
            return []
        return [(x, y) for x, y in ((np.array(points) - self._center) @ self._axes.T).tolist()]


def _draw(space: SearchSpace, count: int) -> list[Architecture]:
    rng = np.random.default_rng(_SAMPLE_SEED)
    return list(dict.fromkeys(canonicalise(space.sample(rng)) for _ in range(count)))


async def _points(context: Context, scope: Scope, found: Sequence[Trial]) -> list[tuple[float, ...]]:
    """The latent points of trials; those that have none, or one of another checkpoint, are encoded."""
    points = {trial.id: trial.origin.latent for trial in found if trial.model_hash == scope.card.hash and trial.origin.latent}
    missing = [trial for trial in found if trial.id not in points]
    if missing:
        encodings = await context.compute(context.worker.encode(scope.card.hash, [trial.architecture for trial in missing]))
        points |= {trial.id: encoding.mean for trial, encoding in zip(missing, encodings, strict=True)}
    return [points[trial.id] for trial in found]
