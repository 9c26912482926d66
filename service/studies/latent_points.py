"""Where trials lie in a latent space: the points that are stored with them, and those that had to be asked for, which are kept."""

from collections.abc import Sequence
from weakref import WeakKeyDictionary

from service.storage.session import Database
from service.storage.values import Trial
from service.studies.context import Context

Point = tuple[float, ...]

_MOST_KEPT = 10_000

_KEPT: WeakKeyDictionary[Database, dict[tuple[str, str], Point]] = WeakKeyDictionary()
"""The points that were asked for last, by checkpoint and architecture, which tell them whatever the study."""


async def points_of(context: Context, checkpoint: str, found: Sequence[Trial]) -> list[Point]:
    """The point of each trial, in order; those without one, stored or kept, are encoded. Raises `ModelUnavailable`."""
    kept = _KEPT.setdefault(context.database, {})
    points = {trial.id: point for trial in found if (point := _known(kept, checkpoint, trial)) is not None}
    missing = [trial for trial in found if trial.id not in points]
    if missing:
        encodings = await context.compute(context.worker.encode(checkpoint, [trial.architecture for trial in missing]))
        for trial, encoding in zip(missing, encodings, strict=True):
            points[trial.id] = kept[checkpoint, trial.canonical_id] = encoding.mean
        for key in list(kept)[: max(0, len(kept) - _MOST_KEPT)]:
            del kept[key]
    return [points[trial.id] for trial in found]


def _known(kept: dict[tuple[str, str], Point], checkpoint: str, trial: Trial) -> Point | None:
    if trial.origin.latent is not None and trial.model_hash == checkpoint:
        return trial.origin.latent
    return kept.get((checkpoint, trial.canonical_id))
