"""Adding spaces and checkpoints to a folder that others read and add to: each is there whole or not at all, and no name is given
twice. Reading the folder is `catalogue.py`.

A checkpoint waits in a folder of its own, which no catalogue lists, until it has been tried out.
"""

import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock

from models.pretrained.catalogue import (
    DEFINITION,
    SPACE_SUFFIX,
    Card,
    InvalidCheckpoint,
    UnknownModel,
    find_card,
    find_space,
    read_card,
    read_cards,
    space_of,
    spaces_in,
)
from models.pretrained.embedded_card import read_embedded_card
from models.spaces.custom import CustomSpace
from models.spaces.definition import Definition, InvalidDefinition, parse_definition
from models.spaces.registry import definition_of, space_names
from models.spaces.space import SearchSpace, UnknownSpace

_WAITING = ".incoming"
_LOCK = ".lock"
_LOCK_SECONDS = 30.0
_ABANDONED_SECONDS = 3600.0
"""What has waited so long without a change belongs to a process that is gone."""


class NameTaken(ValueError):
    """Another checkpoint has this name."""


class SpaceTaken(ValueError):
    """A space of this name is defined otherwise."""


@contextmanager
def waiting_place(folder: Path, name: str) -> Iterator[Path]:
    """The path for the weights of a new checkpoint. At the end all that is left there goes."""
    place = folder / _WAITING / uuid.uuid4().hex
    place.mkdir(parents=True)
    try:
        yield place / f"{name}.safetensors"
    finally:
        shutil.rmtree(place, ignore_errors=True)


def remove_abandoned(folder: Path, now: float) -> None:
    """Delete what waits since an hour before `now`, in seconds since 1970: whoever brought it is gone."""
    for place in (folder / _WAITING).glob("*"):
        try:
            changed = max(path.stat().st_mtime for path in (place, *place.iterdir()))
        except OSError:
            continue  # it has just been taken away
        if changed < now - _ABANDONED_SECONDS:
            shutil.rmtree(place, ignore_errors=True)


def add_waiting_card(weights: Path, folders: Sequence[Path]) -> Card:
    """The card of weights that wait, written beside them from what they carry. Raises `InvalidCheckpoint`."""
    details = read_embedded_card(weights)
    if details["space"] not in space_names():
        details[DEFINITION] = _definition(details, folders)
    _write(weights.with_suffix(".json"), json.dumps(details, indent=2) + "\n")
    card = read_card(weights)
    space_of(card)
    return card


def find_loadable(name_or_hash: str, *folders: Path) -> Card:
    """The checkpoint with this name or hash, or the one with this hash that waits. Raises `UnknownModel`."""
    try:
        return find_card(name_or_hash, *folders, strict=False)
    except UnknownModel:
        for folder in folders:
            for path in (folder / _WAITING).glob("*/*.json"):
                try:
                    card = read_card(path)
                except InvalidCheckpoint:
                    continue  # it is being written or taken away
                if card.hash == name_or_hash:
                    return card
        raise


def add_checkpoint(card: Card, folder: Path, folders: Sequence[Path]) -> tuple[Card, bool]:
    """Move a checkpoint that waits into `folder`, one of `folders`; whether it is new. The same one again changes nothing.

    Raises `NameTaken` and `SpaceTaken`.
    """
    with _locked(folder):
        known = find_same(card, folders)
        if known is not None:
            return known, False
        added = replace(card, path=folder / card.path.name)
        card.path.replace(added.path)
        card.path.with_suffix(".json").replace(added.path.with_suffix(".json"))  # from here on it is listed
        _settle(folder)
    return added, True


def find_same(card: Card, folders: Sequence[Path]) -> Card | None:
    """The same checkpoint under the same name, where the folders have it.

    Raises `NameTaken` where another one has the name, and `SpaceTaken` where its space is another one there.
    """
    for known in read_cards(*folders):
        if known.name == card.name and known.hash != card.hash:
            raise NameTaken(f"'{card.name}' is another checkpoint already, with the hash {known.hash}; choose another name")
        if known.name == card.name:
            return known
    _check_space(space_of(card), folders)
    return None


def add_space(definition: Definition, folder: Path, folders: Sequence[Path]) -> tuple[SearchSpace, bool]:
    """Write a definition into `folder`, one of `folders`; whether it is new. The same one again changes nothing.

    Raises `SpaceTaken`.
    """
    space = CustomSpace(definition)
    with _locked(folder):
        if _check_space(space, folders):
            return space, False
        path = folder / f"{space.name}{SPACE_SUFFIX}"
        new = folder / f"{space.name}{SPACE_SUFFIX}.new"
        _write(new, yaml.safe_dump(definition.to_mapping(), sort_keys=False))
        new.replace(path)
        _settle(folder)
    return space, True


def remove_checkpoint(card: Card) -> None:
    """Delete a checkpoint; whoever has it loaded keeps it until then."""
    with _locked(card.path.parent):
        card.path.with_suffix(".json").unlink(missing_ok=True)  # from here on it is not listed
        card.path.unlink(missing_ok=True)
        _settle(card.path.parent)


def _definition(details: Mapping[str, Any], folders: Sequence[Path]) -> dict[str, Any]:
    """The definition of a user's space in full, as the checkpoint carries it or else as the folders have it."""
    name = details["space"]
    try:
        if details.get(DEFINITION) is not None:
            return parse_definition(details[DEFINITION]).to_mapping()
        return definition_of(find_space(name, *folders)) or {}
    except InvalidDefinition as error:
        raise InvalidCheckpoint(f"the '{DEFINITION}' in the card cannot be used: {error}") from error
    except UnknownSpace as error:
        raise InvalidCheckpoint(f"its space '{name}' is not here and the file does not define it; add the space first") from error


def _check_space(space: SearchSpace, folders: Sequence[Path]) -> bool:
    """Whether the folders have this space. Raises `SpaceTaken`."""
    known = {known.name: known for known in spaces_in(*folders)}.get(space.name)
    if known not in (None, space):
        raise SpaceTaken(f"the space '{space.name}' is defined otherwise already; give a changed space another name")
    return known is not None


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keeps everybody else who adds to the folder or removes from it away, in this process and in others."""
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / _LOCK, timeout=_LOCK_SECONDS):
        yield


def _write(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _settle(folder: Path) -> None:
    """Return when the folder's names are on disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
