"""Planes through a latent space: where its points lie in two dimensions, and which point a place stands for.

`Plane` keeps directions, `UmapPlane` keeps together what lies together. umap-learn is an optional package.
"""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Literal, Protocol

import anyio.to_process
import numpy as np

from models.search.embedding import Points, embed
from service.errors import NotInstalled
from service.studies.latent_points import Point

Projection = Literal["pca", "umap"]
Place = tuple[float, float]

_BETWEEN = 5
"""Points of the fit between which others are placed."""


class AnyPlane(Protocol):
    """`explained` is the variance's share along each axis, None where axes have no meaning of their own."""

    @property
    def explained(self) -> tuple[float, float] | None: ...

    def lift(self, place: Place) -> Point: ...

    def place(self, points: Sequence[Sequence[float]]) -> list[Place]: ...


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

    def lift(self, place: Place) -> Point:
        """The latent point of the plane with these coordinates."""
        return tuple((self._center + np.array(place) @ self._axes).tolist())

    def place(self, points: Sequence[Sequence[float]]) -> list[Place]:
        """The coordinates of latent points along the axes."""
        if not len(points):
            return []
        return [(x, y) for x, y in ((np.array(points) - self._center) @ self._axes.T).tolist()]


class UmapPlane:
    """Latent points (`n x d`) at their places by UMAP.

    Any other point is placed, and any place lifted, between the nearest ones of the fit, by the inverse of its distances to them:
    UMAP's own way lets a place depend on what else is asked for, and trials shall keep theirs.
    """

    explained = None

    def __init__(self, points: Points, places: Points) -> None:
        self._points, self._places = points, places

    def lift(self, place: Place) -> Point:
        (point,) = _between(np.array([place]), self._places, self._points).tolist()
        return tuple(point)

    def place(self, points: Sequence[Sequence[float]]) -> list[Place]:
        if not len(points):
            return []
        return [(x, y) for x, y in _between(np.array(points), self._points, self._places).tolist()]


async def fit_umap(points: Points) -> UmapPlane:
    """The plane of latent points; the same for the same ones. Raises `NotInstalled`.

    UMAP compiles itself at its first use, for some seconds in which its process does nothing else: it has one of its own.
    """
    if find_spec("umap") is None:
        message = "UMAP needs umap-learn, which the service lacks: pip install -c constraints.txt '.[umap]' there"
        raise NotInstalled(f"{message}, or choose principal components")
    return UmapPlane(points, await anyio.to_process.run_sync(embed, points))


def _between(asked: Points, known: Points, values: Points) -> Points:
    """Values at points, from those at the nearest known ones."""
    distances = np.linalg.norm(asked[:, None] - known[None], axis=2)
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :_BETWEEN]
    weights = 1.0 / np.maximum(np.take_along_axis(distances, nearest, axis=1), 1e-9)
    between: Points = np.einsum("nk,nkd->nd", weights / weights.sum(axis=1, keepdims=True), values[nearest])
    return between
