"""Spaces, models, health and the build on the wire."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from models.pretrained.catalogue import Card
from models.spaces.registry import definition_of
from models.spaces.space import SearchSpace
from service.api.schemas.fields import Json, Schema, shown

SPACE: Json = {
    "name": "nasbench101",
    "operations": ["conv1x1", "conv3x3", "maxpool3x3"],
    "max_nodes": 7,
    "size": 423624,
    "models": ["nasbench101"],
    "definition": None,
}
MINE: Json = {"name": "mine", "operations": ["conv3x3", "skip"], "max_nodes": 6, "ports": 2, "output": "last"}
MY_SPACE: Json = {
    "name": "mine",
    "operations": ["conv3x3", "skip"],
    "max_nodes": 6,
    "size": 131,
    "models": [],
    "definition": {**MINE, "min_nodes": 2, "max_edges": None, "chain": False},
}
MODEL: Json = {
    "name": "nasbench101",
    "space": "nasbench101",
    "latent_size": 56,
    "hash": "0f6a1e4c6c9d0b7b5f6a3c1e2d7f0c2f0f6a1e4c6c9d0b7b5f6a3c1e2d7f0c2f",
    "card": {"config": {"latent_size": 56}},
}
READY: Json = {"status": "ready", "checks": {"database": "ok", "schema": "ok", "worker": "ok"}}
BUILD: Json = {"version": "0.1.0", "schema": "0001", "python": "3.11.9"}


class SpaceSchema(Schema):
    """`size` counts the architectures up to isomorphism, where that is known; `models` names the checkpoints there are.

    `definition` are the rules of a space that somebody has added, as `POST /spaces` takes them.
    """

    model_config = shown(SPACE, MY_SPACE)

    name: str
    operations: list[str]
    max_nodes: int
    size: int | None
    models: list[str]
    definition: Mapping[str, Any] | None


class SpacesAnswer(Schema):
    spaces: list[SpaceSchema]


class ModelSchema(Schema):
    """A checkpoint; `hash` is the SHA-256 of its weights, `card` what was written down when it was trained."""

    model_config = shown(MODEL)

    name: str
    space: str
    latent_size: int
    hash: str
    card: Mapping[str, Any]


class ModelsAnswer(Schema):
    models: list[ModelSchema]


class AliveAnswer(Schema):
    status: Literal["alive"] = "alive"


class ReadyAnswer(Schema):
    model_config = shown(READY)

    status: Literal["ready"] = "ready"
    checks: dict[str, str]


class BuildAnswer(Schema):
    model_config = shown(BUILD)

    version: str
    schema_revision: Annotated[str, Field(serialization_alias="schema", description="Of the database schema.")]
    python: str


def space_schema(space: SearchSpace, cards: tuple[Card, ...]) -> SpaceSchema:
    return SpaceSchema(
        name=space.name,
        operations=list(space.operations),
        max_nodes=space.max_nodes,
        size=space.size,
        models=[card.name for card in cards if card.space == space.name],
        definition=definition_of(space),
    )


def model_schema(card: Card) -> ModelSchema:
    return ModelSchema(name=card.name, space=card.space, latent_size=card.latent_size, hash=card.hash, card=card.details)
