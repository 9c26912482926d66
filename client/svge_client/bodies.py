"""What goes into requests, and whether a study that exists is the one that was asked for."""

import logging
import math
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from svge_client.values import Study

_log = logging.getLogger(__name__)

COSTS = ("parameters", "multiply_adds")
"""Objectives of these names are counted from the architecture."""


class Kept:
    """What is not to be changed, where None takes something away."""


KEPT = Kept()


def changes(**fields: Any) -> dict[str, Any]:
    """The body of a merge patch of the fields that are to be changed."""
    return {name: value for name, value in fields.items() if value is not KEPT}


def is_as_asked(
    study: Study, space: str, objective: str, objectives: Mapping[str, str] | None, limits: Mapping[str, int] | None
) -> bool:
    """The order of objectives counts: the first that is observed is the one behind `value`."""
    given = None if objectives is None else list(objectives.items())
    stored = None if study.objectives is None else list(study.objectives.items())
    if given is not None:
        given.sort(key=lambda item: item[0] in COSTS)
    has_goal = stored == given and (given is not None or study.objective == objective)
    asked = {name: limit for name, limit in (limits or {}).items() if limit is not None}
    return study.space == space and has_goal and (limits is None or study.limits == asked)


def finite(numbers: Mapping[str, float]) -> dict[str, float]:
    """The numbers that JSON can carry, as plain floats."""
    plain = {str(name): float(number) for name, number in numbers.items()}
    left_out = [name for name, number in plain.items() if not math.isfinite(number)]
    if left_out:
        _log.warning("not reported, because not finite: %s", ", ".join(left_out))
    return {name: number for name, number in plain.items() if name not in left_out}


def study_path(name: str) -> str:
    return f"/studies/{quote(name, safe='')}"
