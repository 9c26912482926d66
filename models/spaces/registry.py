"""Search spaces by name."""

from collections.abc import Callable

from models.spaces.enas_macro import EnasMacro
from models.spaces.nasbench101 import NasBench101
from models.spaces.nasbench201 import NasBench201
from models.spaces.space import SearchSpace, UnknownSpace

_SPACES: dict[str, Callable[[], SearchSpace]] = {
    "enas_macro": EnasMacro,
    "nasbench101": NasBench101,
    "nasbench201": NasBench201,
}


def space_names() -> tuple[str, ...]:
    return tuple(_SPACES)


def get_space(name: str) -> SearchSpace:
    """The space called `name`. Raises `UnknownSpace`, which lists the names there are."""
    if name not in _SPACES:
        raise UnknownSpace(f"unknown search space '{name}'; expected one of {', '.join(_SPACES)}")
    return _SPACES[name]()
