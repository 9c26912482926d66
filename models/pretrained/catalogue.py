"""The trained checkpoints with their cards, and the spaces beside them, read from folders without torch.

Loading the weights is `models/autoencoders/checkpoint.py`, adding to a folder `additions.py`.
"""

import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from models.spaces.definition import InvalidDefinition
from models.spaces.registry import define_space, get_space, open_space, space_names
from models.spaces.space import SearchSpace, UnknownSpace

_log = logging.getLogger(__name__)

Item = TypeVar("Item")

FOLDER = Path(__file__).parent
"""The shipped checkpoints; what every function reads that is given no folders."""

DEFINITION = "space_definition"
"""The field of a card that holds the definition of a user's space."""

SPACE_SUFFIX = ".space.yaml"
"""The end of the name of a file that defines a space without a checkpoint."""

_State = tuple[int, int, int]
_Stamp = tuple[str, _State, _State]
"""The path of a card or of a file of a space, its state, and that of the card's weights. What has the same stamp is as it was."""

_GONE = (0, 0, 0)


class InvalidCheckpoint(ValueError):
    """A checkpoint cannot be used: damaged, of another format, or of another space than its card says."""


class UnknownModel(ValueError):
    """No checkpoint of the catalogue has this name or hash."""


@dataclass(frozen=True)
class Card:
    """What is known of a checkpoint: `hash` is the SHA-256 of the weights file, `path` that file, `details` the card itself.

    The card of a checkpoint of a user's space carries the definition of the space as `space_definition`.
    """

    name: str
    space: str
    latent_size: int
    hash: str
    path: Path
    details: Mapping[str, Any]


def read_cards(*folders: Path, strict: bool = True) -> tuple[Card, ...]:
    """The cards of all checkpoints in the folders, as they are now, by folder and then by name.

    Raises `InvalidCheckpoint` for a damaged one, for two of one name, and where two files define one space differently. Where
    `strict` is false, a damaged one is left out with a warning: somebody may be copying it, and the others work.
    """
    return _contents(folders, strict)[0]


def read_card(path: Path) -> Card:
    """The card beside a weights file `NAME.safetensors`; `path` is either of the two.

    Raises `InvalidCheckpoint` where one of them is missing or the card lacks what every card has.
    """
    weights = path.with_suffix(".safetensors")
    try:
        details = json.loads(path.with_suffix(".json").read_text())
        with weights.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        card = Card(path.stem, details["space"], details["config"]["latent_size"], digest, weights, details)
    except OSError as error:
        raise InvalidCheckpoint(
            f"cannot read the checkpoint '{path.stem}': a card and its weights belong together: {error}"
        ) from error
    except (ValueError, TypeError, KeyError) as error:
        message = f"the card '{path.stem}.json' is not one of a checkpoint ({error!r}); move it elsewhere or train the model again"
        raise InvalidCheckpoint(message) from error
    if card.details.get(DEFINITION) is not None:
        space_of(card)
    return card


def space_of(card: Card) -> SearchSpace:
    """The search space of a checkpoint. Raises `InvalidCheckpoint` where it is not here, or where its definition is damaged."""
    definition = card.details.get(DEFINITION)
    try:
        space = get_space(card.space) if definition is None else define_space(definition)
    except UnknownSpace as error:
        raise InvalidCheckpoint(f"'{card.name}' was trained on a space that is not here: {error}") from error
    except InvalidDefinition as error:
        raise InvalidCheckpoint(f"the '{DEFINITION}' in the card of '{card.name}' cannot be used: {error}") from error
    if space.name != card.space:
        raise InvalidCheckpoint(f"the card of '{card.name}' names the space '{card.space}', but defines '{space.name}'")
    return space


def spaces_in(*folders: Path, strict: bool = True) -> tuple[SearchSpace, ...]:
    """The spaces that are always there, and then those that files and checkpoints of the folders define, by name.

    Raises `InvalidCheckpoint` as `read_cards` does.
    """
    return (*map(get_space, space_names()), *_contents(folders, strict)[1])


def find_space(name: str, *folders: Path, strict: bool = True) -> SearchSpace:
    """The space of this name among those of `spaces_in`. Raises `UnknownSpace`, which lists them."""
    spaces = {space.name: space for space in spaces_in(*folders, strict=strict)}
    if name not in spaces:
        raise UnknownSpace(f"unknown search space '{name}'; expected one of {', '.join(spaces)}")
    return spaces[name]


def find_card(name_or_hash: str, *folders: Path, strict: bool = True) -> Card:
    """The checkpoint with this name or hash. Raises `UnknownModel`, which lists the names there are."""
    cards = read_cards(*folders, strict=strict)
    for card in cards:
        if name_or_hash in (card.name, card.hash):
            return card
    raise UnknownModel(
        f"unknown model '{name_or_hash}'; expected one of {', '.join(card.name for card in cards) or 'none: train one'}"
    )


def default_card(space: str, *folders: Path, strict: bool = True) -> Card:
    """The checkpoint that a study of this space gets when it names none. Raises `UnknownModel` where there is none."""
    for card in read_cards(*folders, strict=strict):
        if card.space == space:
            return card
    raise UnknownModel(
        f"there is no checkpoint for the space '{space}'; train one: svge train --space {space} --out {space}.safetensors"
    )


def _contents(folders: tuple[Path, ...], strict: bool) -> tuple[tuple[Card, ...], tuple[SearchSpace, ...]]:
    """The cards and the users' spaces. What changes while it is read, as others may add and remove, is read again."""
    stamps = _stamps(folders)
    while True:
        try:
            return _read(stamps, strict)
        except InvalidCheckpoint:
            before, stamps = stamps, _stamps(folders)
            if stamps == before:
                raise


def _stamps(folders: tuple[Path, ...]) -> tuple[_Stamp, ...]:
    return tuple(stamp for folder in folders or (FOLDER,) for stamp in sorted(_stamps_in(folder)))


def _stamps_in(folder: Path) -> Iterator[_Stamp]:
    try:
        entries = {entry.name: entry for entry in os.scandir(folder)}
    except OSError:
        return  # a folder that is not there holds nothing
    for name, entry in entries.items():
        if name.endswith(".json"):
            yield entry.path, _state(entry), _state(entries.get(name.removesuffix(".json") + ".safetensors"))
        elif name.endswith(SPACE_SUFFIX):
            yield entry.path, _state(entry), _GONE


def _state(entry: os.DirEntry[str] | None) -> _State:
    try:
        status = entry.stat() if entry else None
    except OSError:
        status = None
    if status is None:
        return _GONE  # whoever reads it finds out
    return status.st_mtime_ns, status.st_size, status.st_ino


@lru_cache(maxsize=64)
def _read(stamps: tuple[_Stamp, ...], strict: bool) -> tuple[tuple[Card, ...], tuple[SearchSpace, ...]]:
    cards = _read_all(stamps, ".json", _read_stamped, strict)
    places: dict[str, Path] = {}
    for card in cards:
        if card.name in places:
            raise InvalidCheckpoint(f"'{places[card.name]}' and '{card.path}' have one name; rename one of them, with its card")
        places[card.name] = card.path
    defined = list(_read_all(stamps, SPACE_SUFFIX, lambda stamp: (Path(stamp[0]).name, _read_space(stamp[0])), strict))
    defined += [(card.name, space_of(card)) for card in cards if card.details.get(DEFINITION) is not None]
    first: dict[str, tuple[str, SearchSpace]] = {}
    for origin, space in defined:
        known, same = first.setdefault(space.name, (origin, space))
        if same != space:
            message = f"'{known}' and '{origin}' define the space '{space.name}' differently; move one of them to another folder"
            raise InvalidCheckpoint(message)
    return cards, tuple(first[name][1] for name in sorted(first))


def _read_all(stamps: tuple[_Stamp, ...], suffix: str, read: Callable[[_Stamp], Item], strict: bool) -> tuple[Item, ...]:
    found = []
    for stamp in stamps:
        if stamp[0].endswith(suffix):
            try:
                found.append(read(stamp))
            except InvalidCheckpoint as error:
                if strict:
                    raise
                _log.warning("left out of the catalogue: %s", error)
    return tuple(found)


@lru_cache(maxsize=1024)
def _read_stamped(stamp: _Stamp) -> Card:
    return read_card(Path(stamp[0]))


def _read_space(path: str) -> SearchSpace:
    try:
        return open_space(path)
    except InvalidDefinition as error:
        raise InvalidCheckpoint(str(error)) from error
