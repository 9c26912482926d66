"""Looking into the latent space: the use cases behind `/encode` and `/decode`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import anyio.to_thread
import numpy as np

from models.architectures.architecture import Architecture, Fault, InvalidArchitecture
from models.architectures.canonical import canonical_id
from models.pretrained.catalogue import Card
from models.search.proposal import Prediction
from models.spaces.space import SearchSpace
from service.errors import InvalidRequest
from service.storage import trials
from service.storage.values import Study
from service.studies.architectures import Graph, read_architectures
from service.studies.catalogue import default_model, model_named, space_named
from service.studies.context import Context
from service.studies.history import trial_with_id
from service.studies.knowledge import Query, knowledge
from service.studies.latent_points import Point, points_of
from service.studies.lifecycle import study_named
from service.workers.worker import DecodeMode, Decoding, Encoding

_FARTHEST = 1e6
"""The prior is a standard normal, so nothing is beyond; distances of farther points overflow in the model's float32."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose latent space is meant: a checkpoint, its space, and the study if one was named."""

    card: Card
    space: SearchSpace
    study: Study | None


@dataclass(frozen=True, slots=True)
class Sampling:
    """How each point is decoded."""

    samples: int
    mode: DecodeMode
    seed: int


@dataclass(frozen=True, slots=True)
class Decoded:
    """One distinct architecture around the point with the index `point`; `trial` is the id of the study's trial of it."""

    point: int
    decoding: Decoding
    valid: bool
    prediction: Prediction | None
    trial: str | None


@dataclass(frozen=True, slots=True)
class Expected:
    """What a study's surrogate expects of an architecture, None below two observations; `trial` as in `Decoded`."""

    canonical_id: str
    prediction: Prediction | None
    trial: str | None


async def study_scope(context: Context, name: str) -> Scope:
    """Raises `StudyNotFound`, and `ModelNotFound` when the study's checkpoint is gone."""
    study = await context.database.read(partial(study_named, name))
    folders = context.settings.model_folders
    card = model_named(folders, study.settings.model_hash)
    return Scope(card, space_named(folders, card.space), study)


def model_scope(context: Context, name_or_hash: str) -> Scope:
    """Raises `ModelNotFound`."""
    folders = context.settings.model_folders
    card = model_named(folders, name_or_hash)
    return Scope(card, space_named(folders, card.space), None)


def space_scope(context: Context, name: str) -> Scope:
    """The default checkpoint of a space. Raises `SpaceNotFound` and `ModelNotFound`."""
    folders = context.settings.model_folders
    card = default_model(folders, name)
    return Scope(card, space_named(folders, card.space), None)


async def encode(context: Context, scope: Scope, graphs: Sequence[Graph], pointer: str) -> list[Encoding]:
    """The posterior of each graph, in order. Raises `ArchitectureRejected` and `ModelUnavailable`."""
    architectures = await anyio.to_thread.run_sync(read_architectures, scope.space, graphs, pointer)
    return await context.compute(context.worker.encode(scope.card.hash, architectures))


async def decode(
    context: Context, scope: Scope, points: Sequence[Point], sampling: Sampling, pointers: Sequence[str]
) -> list[Decoded]:
    """What each point decodes to, the most frequent first, with the study's belief about it where a study was named.

    `pointers` say where in the request each point stands. Raises `InvalidRequest` for points of the wrong length or too many
    samples, and `ModelUnavailable`.
    """
    _check_points(context, scope, points, sampling, pointers)
    worker, model = context.worker, scope.card.hash
    decodings = await context.compute(worker.decode(model, points, sampling.samples, sampling.mode, sampling.seed))
    flat = [(index, decoding) for index, around in enumerate(decodings) for decoding in around]
    distinct = {decoding.canonical_id: decoding.architecture for _, decoding in flat}
    predictions: dict[str, Prediction] = {}
    tried: dict[str, str] = {}
    if scope.study is not None:
        key = scope.study.id
        tried = await context.database.read(lambda session: trials.find_by_architecture(session, key, list(distinct)))
        predictions = await predicted(context, scope.study, distinct)
    valid = await anyio.to_thread.run_sync(_valid_ids, scope.space, distinct)
    return [
        Decoded(
            index,
            decoding,
            decoding.canonical_id in valid,
            predictions.get(decoding.canonical_id),
            tried.get(decoding.canonical_id),
        )
        for index, decoding in flat
    ]


async def predict(context: Context, name: str, graphs: Sequence[Graph], pointer: str) -> list[Expected]:
    """What a study expects of each graph, in order. Raises `StudyNotFound`, `ArchitectureRejected` and `ModelUnavailable`."""
    scope = await study_scope(context, name)
    assert scope.study is not None
    study = scope.study
    architectures = await anyio.to_thread.run_sync(read_architectures, scope.space, graphs, pointer)
    keys = await anyio.to_thread.run_sync(lambda: [canonical_id(architecture) for architecture in architectures])
    distinct = dict(zip(keys, architectures, strict=True))
    tried = await context.database.read(lambda session: trials.find_by_architecture(session, study.id, list(distinct)))
    predictions = await predicted(context, study, distinct)
    return [Expected(key, predictions.get(key), tried.get(key)) for key in keys]


async def trial_point(context: Context, trial_id: str) -> tuple[Scope, Point]:
    """The latent point of a trial; one that has none, or one of another checkpoint, is encoded. Raises `TrialNotFound`."""
    trial = await context.database.read(partial(trial_with_id, trial_id))
    scope = await study_scope(context, trial.study)
    (point,) = await points_of(context, scope.card.hash, [trial])
    return scope, point


def random_points(scope: Scope, count: int, seed: int) -> list[Point]:
    """`count` points of the prior, a standard normal."""
    drawn = np.random.default_rng(seed).standard_normal((count, scope.card.latent_size))
    return [tuple(row) for row in drawn.tolist()]


def points_between(start: Point, end: Point, steps: int) -> list[Point]:
    """`steps` evenly spaced points of the straight line from `start` to `end`, both ends with them."""
    if len(start) != len(end):
        message = f"expected as many numbers as 'from' has, {len(start)}, got {len(end)}; give two points of one latent space"
        raise InvalidRequest([Fault("/to", message)])
    return [tuple(row) for row in np.linspace(start, end, steps).tolist()]


def _check_points(context: Context, scope: Scope, points: Sequence[Point], sampling: Sampling, pointers: Sequence[str]) -> None:
    size = scope.card.latent_size
    faults = [
        Fault(pointer, f"expected {size} numbers, the latent size of model '{scope.card.name}', got {len(point)}")
        for point, pointer in zip(points, pointers, strict=True)
        if len(point) != size
    ]
    faults += [
        Fault(
            pointer, f"expected numbers between -{_FARTHEST:g} and {_FARTHEST:g}, got {max(point, key=abs):g}; stay near the prior"
        )
        for point, pointer in zip(points, pointers, strict=True)
        if point and abs(max(point, key=abs)) > _FARTHEST
    ]
    limit = context.settings.max_samples
    if len(points) * sampling.samples > limit:
        message = f"{len(points)} points times {sampling.samples} samples are more than {limit} decodings; ask for fewer"
        faults.append(Fault("/samples", message))
    if faults:
        raise InvalidRequest(faults)


async def predicted(context: Context, study: Study, distinct: Mapping[str, Architecture]) -> dict[str, Prediction]:
    """What the study's surrogate expects, by canonical id; empty while there are too few observations for one."""
    query = Query(study.id, study.settings.strategy, None)
    known = await context.database.read(partial(knowledge, query, 1, context.settings.max_observations))
    predictions = await context.compute(
        context.worker.predict(known.study.settings.model_hash, known.request, list(distinct.values()))
    )
    return dict(zip(distinct, predictions, strict=True)) if predictions else {}


def _valid_ids(space: SearchSpace, distinct: dict[str, Architecture]) -> set[str]:
    valid = set()
    for key, architecture in distinct.items():
        try:
            space.validate(architecture)
        except InvalidArchitecture:
            continue
        valid.add(key)
    return valid
