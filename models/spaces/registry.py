"""Search spaces by name, by a user's file, or by the definition that a checkpoint carries."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from models.architectures.architecture import Architecture
from models.architectures.formats import to_json
from models.spaces.custom import CustomSpace
from models.spaces.definition import Definition, InvalidDefinition, parse_definition, read_definition
from models.spaces.enas_macro import EnasMacro
from models.spaces.enas_micro import EnasMicro
from models.spaces.nasbench101 import NasBench101
from models.spaces.nasbench201 import NasBench201
from models.spaces.space import SearchSpace, UnknownSpace

_SPACES: dict[str, Callable[[], SearchSpace]] = {
    "enas_macro": EnasMacro,
    "enas_micro": EnasMicro,
    "nasbench101": NasBench101,
    "nasbench201": NasBench201,
}
_SUFFIXES = (".yaml", ".yml")


def space_names() -> tuple[str, ...]:
    """The names of the spaces that are always there."""
    return tuple(_SPACES)


def get_space(name: str) -> SearchSpace:
    """The space called `name`. Raises `UnknownSpace`, which lists the names there are."""
    if name not in _SPACES:
        raise UnknownSpace(f"unknown search space '{name}'; expected one of {', '.join(_SPACES)}, or a YAML file of your own")
    return _SPACES[name]()


def open_space(name_or_file: str) -> SearchSpace:
    """The space of this name, or that of a YAML file. Raises `UnknownSpace` and `InvalidDefinition`."""
    path = Path(name_or_file)
    return _custom(read_definition(path)) if path.suffix.lower() in _SUFFIXES else get_space(name_or_file)


def define_space(definition: Any) -> SearchSpace:
    """The user's space with this definition, a JSON value. Raises `InvalidDefinition`."""
    return _custom(parse_definition(definition))


def definition_of(space: SearchSpace) -> dict[str, Any] | None:
    """What `define_space` needs to give this space again; None for one that its name gives."""
    return space.definition.to_mapping() if isinstance(space, CustomSpace) else None


def native_form(architecture: Architecture) -> Any:
    """The community's own form of a valid architecture; the service's JSON form for a space of a user."""
    name = architecture.space
    return get_space(name).format_native(architecture) if name in _SPACES else to_json(architecture)


def _custom(definition: Definition) -> SearchSpace:
    if definition.name in _SPACES:
        raise InvalidDefinition(f"'name' is '{definition.name}', which is a space already; choose another name")
    return CustomSpace(definition)
