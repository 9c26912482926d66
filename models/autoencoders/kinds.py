"""The kinds of graph autoencoder by the name that a checkpoint's card gives them: which config, which model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from models.baselines.config import DvaeConfig, GinConfig
from models.baselines.dvae import Dvae
from models.spaces.space import SearchSpace
from models.svge.config import SVGeConfig
from models.svge.graph_model import GraphModel, ModelConfig
from models.svge.model import SVGe

_MAY_BE_ZERO = frozenset({"num_vertex_ids", "num_rounds", "num_layers"})


class UnknownKind(ValueError):
    """No kind of graph autoencoder has this name."""


class InvalidConfig(ValueError):
    """A config has a field that its kind does not know, or a value that is no size or weight."""


@dataclass(frozen=True)
class Kind:
    """`config` is a frozen dataclass of plain numbers, `build` makes an untrained model of it and of a vocabulary."""

    config: type[Any]
    build: Callable[[Any, Sequence[str]], GraphModel]


def kind_names() -> tuple[str, ...]:
    return tuple(_KINDS)


def kind_of(config: ModelConfig) -> str:
    """The name of the kind that a config belongs to. Raises `UnknownKind`."""
    for name, kind in _KINDS.items():
        if type(config) is kind.config:
            return name
    raise UnknownKind(f"expected the config of one of {', '.join(_KINDS)}, got a {type(config).__name__}")


def published_config(kind: str, space: SearchSpace) -> ModelConfig:
    """The published sizes of a kind, for a space. Raises `UnknownKind`, which lists the names there are."""
    if kind == "dvae":
        return DvaeConfig(num_vertex_ids=space.max_nodes)
    config: ModelConfig = _find(kind).config()
    return config


def read_config(kind: str, values: Mapping[str, Any]) -> ModelConfig:
    """A config from the plain values of its fields; a field that is not given has its default.

    Raises `UnknownKind` and `InvalidConfig`.
    """
    expected = {field.name: field.type for field in fields(_find(kind).config)}
    for name, value in values.items():
        if name not in expected:
            raise InvalidConfig(f"a model of the kind '{kind}' has no field '{name}'; expected some of {', '.join(expected)}")
        _check(name, value, whole=expected[name] is int)
    config: ModelConfig = _find(kind).config(**values)
    return config


def build_model(config: ModelConfig, vocabulary: Sequence[str]) -> GraphModel:
    """An untrained model, its weights drawn from torch's global generator. Raises `UnknownKind` for a config of no kind."""
    return _KINDS[kind_of(config)].build(config, vocabulary)


def _find(kind: str) -> Kind:
    if kind not in _KINDS:
        raise UnknownKind(f"unknown kind of model '{kind}'; expected one of {', '.join(_KINDS)}")
    return _KINDS[kind]


def _check(name: str, value: Any, whole: bool) -> None:
    numeric = isinstance(value, int) or (isinstance(value, float) and not whole)
    least = 1 if whole and name not in _MAY_BE_ZERO else 0
    if isinstance(value, bool) or not numeric or not least <= value < float("inf"):
        raise InvalidConfig(f"expected '{name}' to be a {'whole ' if whole else ''}number of at least {least}, got {value!r}")


def _build_gin(config: GinConfig, vocabulary: Sequence[str]) -> GraphModel:
    # PyTorch Geometric takes seconds to import, and no other kind needs it.
    from models.baselines.gin import Gin

    return Gin(config, vocabulary)


_KINDS: Mapping[str, Kind] = {
    "svge": Kind(SVGeConfig, SVGe),
    "gin": Kind(GinConfig, _build_gin),
    "dvae": Kind(DvaeConfig, Dvae),
}
