"""The query parameters of `GET /decode`, and the latent points that they name."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query

from models.architectures.architecture import Fault
from service.api.dependencies import check_limit
from service.api.schemas.latents import Mode
from service.api.scopes import scope_of
from service.errors import InvalidRequest
from service.studies.context import Context
from service.studies.latent_points import Point
from service.studies.latents import Sampling, Scope, points_between, random_points, trial_point

_DEFAULT_STEPS = 9


@dataclass(frozen=True, slots=True)
class DecodeQuery:
    """The parameters as they came; each is None where it was left out."""

    study: str | None
    model: str | None
    z: str | None
    trial: str | None
    random: int | None
    start: str | None
    end: str | None
    steps: int
    sampling: Sampling


@dataclass(frozen=True, slots=True)
class FoundPoints:
    """The points of one latent space, each with the JSON pointer of the parameter that it came from."""

    scope: Scope
    points: Sequence[Point]
    pointers: Sequence[str]


def decode_query(
    study: Annotated[str | None, Query(description="The study whose latent space is meant.", examples=["demo"])] = None,
    model: Annotated[str | None, Query(description="Or the checkpoint, by name or hash.")] = None,
    z: Annotated[str | None, Query(description="A latent point: numbers separated by commas.", examples=["0.1,-0.3,1.2"])] = None,
    trial: Annotated[str | None, Query(description="Or the point of a trial; its study need not be named.")] = None,
    random: Annotated[int | None, Query(ge=1, description="Or so many random points of the prior.")] = None,
    start: Annotated[str | None, Query(alias="from", description="Or the points of a straight line, from here …")] = None,
    end: Annotated[str | None, Query(alias="to", description="… to here …")] = None,
    steps: Annotated[int, Query(ge=2, description="… so many, both ends with them.")] = _DEFAULT_STEPS,
    samples: Annotated[int, Query(ge=1, le=1_000_000, description="Architectures drawn at each point.")] = 1,
    mode: Annotated[Mode, Query(description="'greedy' takes the most likely step each time.")] = "sampled",
    seed: Annotated[int, Query(ge=0, lt=2**63, description="Equal seeds give equal answers.")] = 0,
) -> DecodeQuery:
    return DecodeQuery(study, model, z, trial, random, start, end, steps, Sampling(samples, mode, seed))


DecodeQueryDep = Annotated[DecodeQuery, Depends(decode_query)]


async def find_points(context: Context, query: DecodeQuery) -> FoundPoints:
    """The points that a query names. Raises `InvalidRequest`, and the errors of looking up what it names."""
    _check_choice(query)
    if query.trial is not None:
        scope, point = await trial_point(context, query.trial)
        if query.model is not None or query.study not in (None, scope.study.name if scope.study else None):
            raise InvalidRequest([Fault("/trial", "a trial has its own study and model; leave 'study' and 'model' out")])
        return FoundPoints(scope, [point], ["/trial"])
    scope = await scope_of(context, {"study": query.study, "model": query.model})
    if query.z is not None:
        return FoundPoints(scope, [_read_point(query.z, "/z")], ["/z"])
    if query.random is not None:
        check_limit(query.random, context.settings.max_batch, "/random", "points")
        return FoundPoints(scope, random_points(scope, query.random, query.sampling.seed), ["/random"] * query.random)
    check_limit(query.steps, context.settings.max_batch, "/steps", "points")
    start, end = _read_point(query.start or "", "/from"), _read_point(query.end or "", "/to")
    return FoundPoints(scope, points_between(start, end, query.steps), ["/from"] * query.steps)


def _check_choice(query: DecodeQuery) -> None:
    choices = {"z": query.z, "trial": query.trial, "random": query.random, "from": query.start}
    given = [name for name, value in choices.items() if value is not None]
    if len(given) != 1:
        message = f"expected exactly one of z, trial, random, and from with to; got {' and '.join(given) or 'none'}"
        raise InvalidRequest([Fault(f"/{name}", message) for name in given or ["z"]])
    if (query.start is None) != (query.end is None):
        raise InvalidRequest([Fault("/to", "'from' and 'to' name the ends of a line together; give both or neither")])


def _read_point(text: str, pointer: str) -> Point:
    numbers, faults = [], []
    for index, part in enumerate(text.split(",")):
        try:
            number = float(part)
        except ValueError:
            number = math.nan
        if math.isfinite(number):
            numbers.append(number)
        else:
            faults.append(
                Fault(f"{pointer}/{index}", f"expected finite numbers separated by commas, got {part[:40]!r} at place {index}")
            )
    if faults:
        raise InvalidRequest(faults[:100])
    return tuple(numbers)
