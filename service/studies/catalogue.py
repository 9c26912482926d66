"""Spaces and checkpoints by name, with the service's own errors. Reading a caller's architecture is `architectures.py`."""

from pathlib import Path

from models.pretrained.catalogue import Card, UnknownModel, default_card, find_card, find_space, read_cards, spaces_in
from models.spaces.space import SearchSpace, UnknownSpace
from service.errors import ModelNotFound, SpaceNotFound


def space_named(folder: Path, name: str) -> SearchSpace:
    """The search space of this name, always there or defined by a checkpoint of the folder. Raises `SpaceNotFound`."""
    try:
        return find_space(name, folder)
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
    space_named(folder, space)
    try:
        return default_card(space, folder)
    except UnknownModel as error:
        raise ModelNotFound(str(error)) from error


def all_spaces(folder: Path) -> tuple[SearchSpace, ...]:
    return spaces_in(folder)


def all_models(folder: Path) -> tuple[Card, ...]:
    return read_cards(folder)
