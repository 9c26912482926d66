"""The trained checkpoints and their cards, read without torch. Loading the weights is `models/autoencoders/checkpoint.py`."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from models.spaces.definition import InvalidDefinition
from models.spaces.registry import define_space, get_space, space_names
from models.spaces.space import SearchSpace, UnknownSpace

FOLDER = Path(__file__).parent

DEFINITION = "space_definition"
"""The field of a card that holds the definition of a user's space."""


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


@cache
def read_cards(folder: Path = FOLDER) -> tuple[Card, ...]:
    """The cards of all checkpoints in a folder, by name.

    Raises `InvalidCheckpoint` for a damaged one, and where two give different definitions of one space.
    """
    cards = tuple(read_card(path) for path in sorted(folder.glob("*.json")))
    first: dict[str, Card] = {}
    for card in cards:
        known = first.setdefault(card.space, card)
        if known.details.get(DEFINITION) != card.details.get(DEFINITION):
            raise InvalidCheckpoint(
                f"'{known.name}' and '{card.name}' define the space '{card.space}' differently; move one of them to another folder"
            )
    return cards


def read_card(path: Path) -> Card:
    """The card beside a weights file `NAME.safetensors`; `path` is either of the two.

    Raises `InvalidCheckpoint` where one of them is missing or the card lacks what every card has.
    """
    weights = path.with_suffix(".safetensors")
    try:
        details = json.loads(path.with_suffix(".json").read_text())
        digest = hashlib.sha256(weights.read_bytes()).hexdigest()
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


def spaces_in(folder: Path = FOLDER) -> tuple[SearchSpace, ...]:
    """The spaces that are always there, and then those that checkpoints of a folder define, by name."""
    defined = {card.space: space_of(card) for card in read_cards(folder) if card.details.get(DEFINITION) is not None}
    return (*map(get_space, space_names()), *(defined[name] for name in sorted(defined)))


def find_space(name: str, folder: Path = FOLDER) -> SearchSpace:
    """The space of this name among those of `spaces_in`. Raises `UnknownSpace`, which lists them."""
    spaces = {space.name: space for space in spaces_in(folder)}
    if name not in spaces:
        raise UnknownSpace(f"unknown search space '{name}'; expected one of {', '.join(spaces)}")
    return spaces[name]


def find_card(name_or_hash: str, folder: Path = FOLDER) -> Card:
    """The checkpoint with this name or hash. Raises `UnknownModel`, which lists the names there are."""
    cards = read_cards(folder)
    for card in cards:
        if name_or_hash in (card.name, card.hash):
            return card
    raise UnknownModel(
        f"unknown model '{name_or_hash}'; expected one of {', '.join(card.name for card in cards) or 'none: train one'}"
    )


def default_card(space: str, folder: Path = FOLDER) -> Card:
    """The checkpoint that a study of this space gets when it names none. Raises `UnknownModel` where there is none."""
    for card in read_cards(folder):
        if card.space == space:
            return card
    raise UnknownModel(
        f"there is no checkpoint for the space '{space}'; train one: svge train --space {space} --out {space}.safetensors"
    )
