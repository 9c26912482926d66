"""The trained checkpoints and their cards, read without torch. Loading the weights is `models/autoencoders/checkpoint.py`."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


class InvalidCheckpoint(ValueError):
    """A checkpoint cannot be used: damaged, of another format, or of another space than its card says."""


class UnknownModel(ValueError):
    """No checkpoint of the catalogue has this name or hash."""


@dataclass(frozen=True)
class Card:
    """What is known of a checkpoint: `hash` is the SHA-256 of the weights file, `path` that file, `details` the card itself."""

    name: str
    space: str
    latent_size: int
    hash: str
    path: Path
    details: Mapping[str, Any]


@cache
def read_cards(folder: Path = FOLDER) -> tuple[Card, ...]:
    """The cards of all checkpoints in a folder, by name."""
    return tuple(read_card(path) for path in sorted(folder.glob("*.json")))


def read_card(path: Path) -> Card:
    """The card beside a weights file `NAME.safetensors`; `path` is either of the two.

    Raises `InvalidCheckpoint` where one of them is missing or the card lacks what every card has.
    """
    weights = path.with_suffix(".safetensors")
    try:
        details = json.loads(path.with_suffix(".json").read_text())
        digest = hashlib.sha256(weights.read_bytes()).hexdigest()
        return Card(path.stem, details["space"], details["config"]["latent_size"], digest, weights, details)
    except OSError as error:
        raise InvalidCheckpoint(
            f"cannot read the checkpoint '{path.stem}': a card and its weights belong together: {error}"
        ) from error
    except (ValueError, TypeError, KeyError) as error:
        message = f"the card '{path.stem}.json' is not one of a checkpoint ({error!r}); move it elsewhere or train the model again"
        raise InvalidCheckpoint(message) from error


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
