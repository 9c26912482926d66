"""Search spaces, models and the build of the server, as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from svge_client.values import known


@dataclass(frozen=True, slots=True)
class Space:
    """A search space. `size` counts its architectures up to isomorphism, where that is known; `models` names the checkpoints there
    are; `definition` are the rules of one that somebody has added.
    """

    name: str
    operations: tuple[str, ...]
    max_nodes: int
    size: int | None
    models: tuple[str, ...]
    definition: Mapping[str, Any] | None

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Space":
        lists = {"operations": tuple(document["operations"]), "models": tuple(document["models"])}
        return cls(**known(cls, {**document, **lists}))


@dataclass(frozen=True, slots=True)
class Model:
    """A checkpoint; `hash` is the SHA-256 of its weights, `card` what was written down when it was trained."""

    name: str
    space: str
    latent_size: int
    hash: str
    card: Mapping[str, Any]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Model":
        return cls(**known(cls, document))


@dataclass(frozen=True, slots=True)
class Build:
    """Which build answers; `schema` is the revision of its database."""

    version: str
    schema: str
    python: str

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Build":
        return cls(**known(cls, document))
