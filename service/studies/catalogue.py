"""Spaces and checkpoints by name, with the service's own errors. Adding to them is `uploads.py`, reading a caller's architecture
`architectures.py`.

What cannot be used in the folders is left out. Every function raises `CatalogueDamaged` where two files contradict each other.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.architectures.architecture import Fault
from models.pretrained.catalogue import (
    Card,
    InvalidCheckpoint,
    UnknownModel,
    default_card,
    find_card,
    find_space,
    read_cards,
    spaces_in,
)
from models.spaces.space import SearchSpace, UnknownSpace
from service.errors import CatalogueDamaged, InvalidRequest, ModelNotFound, SpaceNotFound

Folders = tuple[Path, ...]


@contextmanager
def usable() -> Iterator[None]:
    """What the folders hold must be so in this block. Raises `CatalogueDamaged` where it is not."""
    try:
        yield
    except InvalidCheckpoint as error:
        raise CatalogueDamaged(f"the checkpoints cannot be read: {error}") from error


def space_named(folders: Folders, name: str) -> SearchSpace:
    """The search space of this name, always there or defined in the folders. Raises `SpaceNotFound`."""
    try:
        with usable():
            return find_space(name, *folders, strict=False)
    except UnknownSpace as error:
        raise SpaceNotFound(f"{error}; GET /spaces lists them") from error


def model_named(folders: Folders, name_or_hash: str) -> Card:
    """The checkpoint with this name or hash. Raises `ModelNotFound`."""
    try:
        with usable():
            return find_card(name_or_hash, *folders, strict=False)
    except UnknownModel as error:
        raise ModelNotFound(f"{error}; GET /models lists them") from error


def model_for(folders: Folders, space: str, model: str | None) -> Card:
    """The checkpoint for a study of this space: the one named, else the default one.

    Raises `SpaceNotFound`, `ModelNotFound`, and `InvalidRequest` for one of another space.
    """
    card = model_named(folders, model) if model is not None else default_model(folders, space)
    if card.space != space:
        raise InvalidRequest([Fault("/model", f"expected a model of '{space}', got '{card.name}' of '{card.space}'")])
    return card


def default_model(folders: Folders, space: str) -> Card:
    """The checkpoint for this space when none is named. Raises `ModelNotFound` and `SpaceNotFound`."""
    space_named(folders, space)
    try:
        with usable():
            return default_card(space, *folders, strict=False)
    except UnknownModel as error:
        raise ModelNotFound(str(error)) from error


def all_spaces(folders: Folders) -> tuple[SearchSpace, ...]:
    with usable():
        return spaces_in(*folders, strict=False)


def all_models(folders: Folders) -> tuple[Card, ...]:
    with usable():
        return read_cards(*folders, strict=False)
