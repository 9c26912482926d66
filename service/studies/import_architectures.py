"""The architecture of one row of a file of results, in any form that `models/datasets` knows, or faults that name its column."""

from collections.abc import Mapping
from typing import Any

from models.architectures.architecture import Architecture, Fault, InvalidArchitecture
from models.datasets.rows import Row, fitting_space, parse_row, structured
from models.spaces.space import SearchSpace
from service.errors import ArchitectureRejected

_MOST_NODES, _MOST_EDGES = 256, 4096


def read_row(row: Row, form: tuple[str, ...], space: SearchSpace, pointer: str) -> Architecture:
    """The canonical form of what the columns `form` of a row write. Raises `ArchitectureRejected`."""
    try:
        plain = {**row, **{field: structured(row.get(field)) for field in form}}
        _check_size(plain, form)
    except InvalidArchitecture as error:
        raise ArchitectureRejected([_first(error, form, pointer)]) from error
    try:
        return parse_row(plain, form, space)
    except InvalidArchitecture as error:
        if row.get("space", space.name) != space.name:
            raise ArchitectureRejected([Fault(f"{pointer}/space", error.faults[0].message)]) from error
        fitting = fitting_space(plain, form, space)
        remedy = f"; it is one of '{fitting}'" if fitting else ""
        raise ArchitectureRejected([_first(error, form, pointer, remedy)]) from error


def _first(error: InvalidArchitecture, form: tuple[str, ...], pointer: str, remedy: str = "") -> Fault:
    """The first fault alone, where in the file it is: many rows may be at fault."""
    fault = error.faults[0]
    is_named = len(form) > 1 and fault.pointer.startswith(tuple(f"/{field}" for field in form))
    part = fault.pointer if is_named else f"/{form[0]}{fault.pointer if len(form) == 1 else ''}"
    return Fault(pointer + part, fault.message + remedy)


def _check_size(row: Mapping[str, Any], form: tuple[str, ...]) -> None:
    """Raises `InvalidArchitecture` for what is larger than any network, before time is spent on it."""
    parts = [(field, row[field]) for field in form]
    parts += [item for _, part in parts if isinstance(part, dict) for item in part.items()]
    for name, part in parts:
        most = _MOST_EDGES if name == "edges" else _MOST_NODES
        if isinstance(part, list) and len(part) > most:
            raise InvalidArchitecture([Fault("", f"expected at most {most} entries in '{name[:40]}', got {len(part)}")])
