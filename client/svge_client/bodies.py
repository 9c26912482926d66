"""What goes into requests, and whether a study that exists is the one that was asked for."""

import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from svge_client.values import Result, Study, Trial

_log = logging.getLogger(__name__)

COSTS = ("parameters", "multiply_adds")
"""Objectives of these names are counted from the architecture."""


class Kept:
    """What is not to be changed, where None takes something away."""


KEPT = Kept()


def changes(**fields: Any) -> dict[str, Any]:
    """The body of a merge patch of the fields that are to be changed."""
    return {name: value for name, value in fields.items() if value is not KEPT}


def given(**fields: Any) -> dict[str, Any]:
    """The fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def is_as_asked(
    study: Study, space: str, objective: str, objectives: Mapping[str, str] | None, limits: Mapping[str, int] | None
) -> bool:
    """The order of objectives counts: the first that is observed is the one behind `value`."""
    wanted = None if objectives is None else list(objectives.items())
    stored = None if study.objectives is None else list(study.objectives.items())
    if wanted is not None:
        wanted.sort(key=lambda item: item[0] in COSTS)
    has_goal = stored == wanted and (wanted is not None or study.objective == objective)
    asked = {name: limit for name, limit in (limits or {}).items() if limit is not None}
    return study.space == space and has_goal and (limits is None or study.limits == asked)


def finite(numbers: Mapping[str, float]) -> dict[str, float]:
    """The numbers that JSON can carry, as plain floats."""
    plain = {str(name): float(number) for name, number in numbers.items()}
    left_out = [name for name, number in plain.items() if not math.isfinite(number)]
    if left_out:
        _log.warning("not reported, because not finite: %s", ", ".join(left_out))
    return {name: number for name, number in plain.items() if name not in left_out}


def value_fields(
    value: float | Mapping[str, float], std: float | None, metrics: Mapping[str, float] | None, step: int | None = None
) -> dict[str, Any]:
    """A value, or values by objective, with what is known of them.

    A `std` or a metric that is not finite is left out with a warning in the log: it shall not cost the value. Raises `ValueError`
    for a value that is not finite.
    """
    if not is_finite(value):
        raise ValueError(f"expected a finite value, got {value}; report a diverged training with fail(reason)")
    body: dict[str, Any] = {}
    if isinstance(value, Mapping):
        body["values"] = {name: float(number) for name, number in value.items()}
    else:
        body["value"] = float(value)
    body |= {} if step is None else {"step": step}
    body |= {} if std is None else finite({"std": std})
    return body | ({} if metrics is None else {"metrics": finite(metrics)})


def result_body(study: str, result: Result) -> dict[str, Any]:
    """Raises as `value_fields` does."""
    known = value_fields(result.value, result.std, result.metrics)
    return {"study": study, "architecture": result.architecture.to_json(), **known}


def is_finite(value: float | Mapping[str, float]) -> bool:
    """Whether a value, or each of several, can be reported."""
    return all(map(math.isfinite, value.values() if isinstance(value, Mapping) else [value]))


def study_path(name: str) -> str:
    return f"/studies/{quote(name, safe='')}"


def trial_id(trial: Trial | str) -> str:
    return trial.id if isinstance(trial, Trial) else trial


def trial_path(trial: Trial | str) -> str:
    return f"/trials/{quote(trial_id(trial), safe='')}"


def content_of(file: Path | str | bytes) -> bytes:
    """What is in a file: a path is read, text is its content."""
    return file.read_bytes() if isinstance(file, Path) else file.encode() if isinstance(file, str) else file


def starts_as_json(content: bytes) -> bool:
    return content.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")


def decode_query(
    z: Sequence[float] | None,
    *,
    trial: Trial | str | None,
    random: int | None,
    start: Sequence[float] | None,
    end: Sequence[float] | None,
    steps: int | None,
    **others: Any,
) -> dict[str, Any]:
    """The query that names latent points; the server says what is wrong with one that names none or too many."""
    return given(
        z=_point(z),
        trial=None if trial is None else trial_id(trial),
        random=random,
        steps=steps,
        **{"from": _point(start), "to": _point(end)},
        **others,
    )


def _point(numbers: Sequence[float] | None) -> str | None:
    return None if numbers is None else ",".join(map(repr, map(float, numbers)))
