"""Which columns of a file of results say what, and what their cells say. The rows as reports are `import_rows.py`."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from models.architectures.architecture import Fault, InvalidArchitecture
from models.datasets.data_file import DataFile
from models.datasets.rows import Row, form_of, number_of, structured
from service.errors import InvalidRequest
from service.storage.values import TrialState
from service.studies.export_rows import FORMULA, QUOTE
from service.studies.states import FINISHED

_VALUE, _VALUES, _STD, _REASON = "value", "values", "std", "reason"
_STATUS = ("status", "state")
_LISTED = 50
_LONGEST_REASON = 10_000

Values = tuple[float | None, Mapping[str, float] | None]
"""The value of a row, or its values by objective; both None where it has none."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one file. `form`, one of `models.datasets.rows.FORMS`, writes the architecture. `status` says how a row ended,
    None where there is no such column. `read_values` takes a row and its pointer, and raises `InvalidRequest`. `names` is what the
    file calls the `value` and `status` of a report.
    """

    form: tuple[str, ...]
    status: str | None
    read_values: Callable[[Row, str], Values]
    names: Mapping[str, str]


def choose_columns(data: DataFile, rows: Sequence[tuple[str, Row]], objectives: Sequence[str], column: str | None) -> Columns:
    """The columns of a file by its first rows, at least one, each with its place.

    `objectives` are the names that the study's trainers report, none where there is one objective without a name; `column` is the
    caller's choice among columns of numbers. Raises `InvalidRequest` and `DataFileError`, which list the columns there are.
    """
    place, first = rows[0]
    form = form_of(data, first, place)
    fields = dict.fromkeys(field for _, row in rows for field in row)
    status = next((field for field in _STATUS if field in fields), None)
    names = {} if status is None else {"status": status}
    if len(objectives) > 1 and column is not None:
        message = f"the study has the objectives {_listed(objectives)}, whose columns are taken by name; leave 'column' out"
        raise InvalidRequest([Fault("/column", message)])
    by_name = _by_objective(fields, rows, objectives) if column is None else None
    if by_name is not None:
        return Columns(form, status, by_name, names)
    if len(objectives) > 1:
        message = f"expected the columns {_listed(objectives)}, the study's objectives, or 'values' with all of them as JSON"
        raise InvalidRequest([Fault("", f"{message}; the file has {_listed(fields)}")])
    value = column if column is not None else _VALUE
    if value not in fields:
        value = _only_numbers([field for field in fields if field not in form], rows, column, _listed(fields))
    return Columns(form, status, partial(_one, value), {**names, _VALUE: value})


def _by_objective(
    fields: Mapping[str, None], rows: Sequence[tuple[str, Row]], objectives: Sequence[str]
) -> Callable[[Row, str], Values] | None:
    """How to read the values by objective; None where the file does not have them all."""
    if not objectives:
        return None
    columns = {name: next((field for field in (f"{_VALUES}.{name}", name) if field in fields), None) for name in objectives}
    found = {name: field for name, field in columns.items() if field is not None}
    if any(_is_object(row.get(_VALUES)) for _, row in rows):
        return _packed
    if len(found) == len(objectives):
        return partial(_several, found)
    return _packed if _VALUES in fields and len(objectives) > 1 else None


def _only_numbers(fields: Sequence[str], rows: Sequence[tuple[str, Row]], column: str | None, there_are: str) -> str:
    """The one of the fields that holds numbers. Raises `InvalidRequest` where that is none or several, or where one was named."""
    if column is not None:
        raise InvalidRequest([Fault("/column", f"expected a column of the file, got '{column}'; it has {there_are}")])
    others = (_STD, _REASON, *_STATUS, "space")
    numbers = [field for field in fields if field not in others and _holds_numbers(row.get(field) for _, row in rows)]
    if len(numbers) == 1:
        return numbers[0]
    if not numbers:
        message = f"expected a column '{_VALUE}' or another one of numbers; the file has {there_are}"
    else:
        message = (
            f"expected a column '{_VALUE}' or a single one of numbers, got {_listed(numbers)}; choose one with ?column={numbers[0]}"
        )
    raise InvalidRequest([Fault("/column", message)])


def _one(field: str, row: Row, pointer: str) -> Values:
    return _number(field, row, pointer), None


def _several(fields: Mapping[str, str], row: Row, pointer: str) -> Values:
    values = {name: number for name, field in fields.items() if (number := _number(field, row, pointer)) is not None}
    return None, values or None


def _packed(row: Row, pointer: str) -> Values:
    """The values by name of a JSON object in one field, as an export has them."""
    packed = row.get(_VALUES)
    if _is_empty(packed):
        return None, None
    if not _is_object(packed):
        raise InvalidRequest([Fault(f"{pointer}/{_VALUES}", f"expected a JSON object of numbers by objective, got {packed!r}")])
    values = structured(packed)
    return None, {name: number for name in values if (number := _number(name, values, f"{pointer}/{_VALUES}")) is not None} or None


def _number(field: str, row: Row, pointer: str) -> float | None:
    """The number in a field, None where it is empty. Raises `InvalidRequest`."""
    value = row.get(field)
    if _is_empty(value):
        return None
    number = number_of(value)
    if number is None or not math.isfinite(number):
        message = f"expected a finite number with a decimal point, got {value!r}; leave it empty where nothing was measured"
        raise InvalidRequest([Fault(f"{pointer}/{escaped(field)}", message)])
    return number


def read_std(row: Row, pointer: str) -> float | None:
    """The standard error of a row's value. Raises `InvalidRequest`."""
    std = _number(_STD, row, pointer)
    if std is not None and std < 0:
        raise InvalidRequest([Fault(f"{pointer}/{_STD}", f"expected a standard error of at least 0, got {std:g}; correct it")])
    return std


def read_reason(row: Row, pointer: str) -> str | None:
    """Why a row has no value. Raises `InvalidRequest`."""
    reason = row.get(_REASON)
    if _is_empty(reason):
        return None
    if not isinstance(reason, str) or len(reason) > _LONGEST_REASON or "\x00" in reason:
        message = f"expected a text of at most {_LONGEST_REASON} characters without NUL, got {str(reason)[:80]!r}; shorten it"
        raise InvalidRequest([Fault(f"{pointer}/{_REASON}", message)])
    return reason[1:] if reason.startswith(tuple(QUOTE + start for start in FORMULA)) else reason


def is_replicate(row: Row) -> bool:
    """Whether a row of an export is a further trial of an architecture."""
    return str(row.get("replicate") or "0").strip() not in ("0", "0.0")


def read_status(field: str | None, row: Row, pointer: str) -> TrialState | None:
    """What a row says in this field of how it ended; None where it says nothing. Raises `InvalidRequest`."""
    given = None if field is None else row.get(field)
    if field is None or _is_empty(given):
        return None
    try:
        return TrialState(str(given))
    except ValueError as error:
        states = _listed(state for state in TrialState if state in FINISHED)
        message = f"expected one of {states}, or 'waiting' or 'running', which are left out, got {str(given)[:80]!r}"
        raise InvalidRequest([Fault(f"{pointer}/{field}", message)]) from error


def escaped(field: str) -> str:
    """A field's name as a part of a JSON pointer (RFC 6901)."""
    return field.replace("~", "~0").replace("/", "~1")


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _is_object(value: Any) -> bool:
    try:
        return isinstance(structured(value), dict)
    except InvalidArchitecture:
        return False


def _holds_numbers(values: Iterable[Any]) -> bool:
    """Whether the first value that is there is a number."""
    first = next((value for value in values if not _is_empty(value)), None)
    return number_of(first) is not None


def _listed(names: Iterable[str]) -> str:
    named = [f"'{name[:100]}'" for name in names]
    return ", ".join(named[:_LISTED]) + (f" and {len(named) - _LISTED} more" if len(named) > _LISTED else "")
