"""One row of a table: which fields write the architecture, in which form, and which are measurements."""

import json
import math
from collections.abc import Collection, Mapping
from typing import Any

from models.architectures.architecture import Architecture, Fault, InvalidArchitecture
from models.architectures.canonical import canonicalise
from models.architectures.formats import from_json
from models.datasets.data_file import DataFile
from models.spaces.registry import get_space, space_names
from models.spaces.space import SearchSpace

FORMS = (
    ("nodes", "edges"),
    ("native",),
    ("architecture",),
    ("arch",),
    ("arch_str",),
    ("structure",),
    ("matrix", "ops"),
    ("module_adjacency", "module_operations"),
)
"""The fields that write an architecture; where a row has several, the first of these counts."""

ENAS_FORM = ("structure",)

Row = Mapping[str, Any]


def form_of(data: DataFile, fields: Collection[str], place: str) -> tuple[str, ...]:
    """The one of `FORMS` whose fields are all there. Raises `DataFileError`, which lists them."""
    for form in FORMS:
        if all(field in fields for field in form):
            return form
    choices = ", ".join("+".join(form) for form in FORMS)
    raise data.error(f"no field holds the architecture: expected one of {choices}, got {', '.join(fields)[:200]}", place)


def architecture_of(data: DataFile, row: Row, form: tuple[str, ...], space: SearchSpace, place: str) -> Architecture:
    """The valid architecture of a row, in canonical order. Raises `DataFileError`; it names the space that the row fits, if any."""
    try:
        return parse_row(row, form, space)
    except InvalidArchitecture as error:
        fitting = fitting_space(row, form, space)
        remedy = f"; it is one of '{fitting}', so load the file for that space" if fitting else ""
        raise data.error(f"'{'+'.join(form)}' is no architecture of '{space.name}': {error}{remedy}", place) from error


def parse_row(row: Row, form: tuple[str, ...], space: SearchSpace) -> Architecture:
    """The valid architecture of a row, in canonical order. Raises `InvalidArchitecture`."""
    if row.get("space", space.name) != space.name:
        raise InvalidArchitecture([Fault("/space", f"expected a row of '{space.name}', got one of '{row['space']}'")])
    return _parse(row, form, space)


def fitting_space(row: Row, form: tuple[str, ...], space: SearchSpace) -> str | None:
    """The name of a registered space other than `space` that has the architecture of a row; None where none has it."""
    for name in space_names():
        if name == space.name:
            continue
        try:
            _parse(row, form, get_space(name))
        except InvalidArchitecture:
            continue
        return name
    return None


def structured(value: Any) -> Any:
    """Text that is JSON as the value it writes; every other value as it is. Raises `InvalidArchitecture` where it is not whole."""
    if not isinstance(value, str) or not value.lstrip().startswith(("[", "{")):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise InvalidArchitecture([Fault("", f"expected JSON, got {value[:80]!r}")]) from error


def number_of(value: Any) -> float | None:
    """The number that a JSON value or a cell of a table stands for, infinite where it is too large; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None
    except OverflowError:
        return math.inf


class MetricColumns:
    """Tells measurements from other fields: the first value that a field has says which of the two it is."""

    def __init__(self, form: tuple[str, ...]) -> None:
        self._kinds: dict[str, bool] = dict.fromkeys(form, False)

    def values_of(self, data: DataFile, row: Row, place: str) -> dict[str, float]:
        """The measurements of a row by field; an empty one is left out. Raises `DataFileError` for text among numbers."""
        values = {}
        for field, value in row.items():
            if self._kinds.get(field) is False or value is None or value == "":
                continue
            number = number_of(value)
            if number is None and self._kinds.setdefault(field, False):
                raise data.error(
                    f"'{field}' held numbers so far, got {value!r}; correct it, leave it empty, or remove the column", place
                )
            if number is None:
                continue
            self._kinds[field] = True
            if math.isinf(number):
                raise data.error(f"'{field}' must be a finite number, got {value!r}", place)
            if not math.isnan(number):
                values[field] = number
        return values


def _parse(row: Row, form: tuple[str, ...], space: SearchSpace) -> Architecture:
    values = [structured(row[field]) for field in form]
    match form, values:
        case ("nodes", "edges"), [nodes, edges]:
            return _from_graph({"nodes": nodes, "edges": edges}, space)
        case _, [{"nodes": _, "edges": _} as graph]:
            return _from_graph(graph, space)
        case _, [matrix, operations]:
            architecture = space.parse_native({"matrix": matrix, "ops": operations})
        case _:
            architecture = space.parse_native(values[0])
    space.validate(architecture)
    return architecture


def _from_graph(graph: Mapping[str, Any], space: SearchSpace) -> Architecture:
    architecture = from_json({"space": space.name, **graph})
    space.validate(architecture)
    return canonicalise(architecture)
