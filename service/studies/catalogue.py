"""Spaces and checkpoints by name, with the service's own errors. Reading a caller's architecture is `architectures.py`."""

from pathlib import Path

from models.pretrained.catalogue import Card, UnknownModel, default_card, find_card, read_cards
from models.spaces.registry import get_space
from models.spaces.space import SearchSpace, UnknownSpace
from service.errors import ModelNotFound, SpaceNotFound


def space_named(name: str) -> SearchSpace:
    """The search space of this name. Raises `SpaceNotFound`."""
    try:
        return get_space(name)
    except UnknownSpace as error:
        raise SpaceNotFound(f"{error}; GET /spaces lists them") from error


def model_named(folder: Path, name_or_hash: str) -> Card:
    """The checkpoint with this name or hash. Raises `ModelNotFound`."""
    try:
        return find_card(name_or_hash, folder)
    except UnknownModel as error:
        raise ModelNotFound(f"{error}; GET /models lists them") from error


def default_model(folder: Path, space: str) -> Card:
    """The checkpoint for this space when none is named. Raises `ModelNotFound` and `SpaceNotFound`."""
    space_named(space)
    try:
        return default_card(space, folder)
    except UnknownModel as error:
        raise ModelNotFound(str(error)) from error


def all_models(folder: Path) -> tuple[Card, ...]:
    return read_cards(folder)
