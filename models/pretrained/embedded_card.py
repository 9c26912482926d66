"""The part of a card that travels in the metadata of the weights file, so that one file is a whole checkpoint.

It is read, and the file around it looked over, without torch and without trusting either. The weights themselves are checked when
`models/autoencoders/checkpoint.py` loads them.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from safetensors import SafetensorError, safe_open

from models.pretrained.catalogue import DEFINITION, InvalidCheckpoint

FORMAT_VERSION = 1

CARRIED = ("format_version", "space", "vocabulary", "kind", "config", DEFINITION)
"""The fields that a model is built from; what else a card says is about its training."""

_FIELD = "card"
_LONGEST_HEADER = 1024 * 1024
"""In bytes; a header names each tensor, and those of the shipped checkpoints have 5 kB."""

_LARGEST_SIZE = 4096
"""Of a config: what a model needs grows with the square, and is asked for before the weights are seen not to fit."""

_DTYPES = ("F16", "BF16", "F32")


def embed_card(card: Mapping[str, Any]) -> dict[str, str]:
    """The metadata for the weights file of this card."""
    return {_FIELD: json.dumps({name: card[name] for name in CARRIED if name in card})}


def read_embedded_card(path: Path) -> dict[str, Any]:
    """The card in a weights file, its sizes within bounds. Raises `InvalidCheckpoint` for whatever is no checkpoint with a card."""
    _check_start(path)
    try:
        with safe_open(path, "numpy") as file:
            text = (file.metadata() or {}).get(_FIELD)
            dtypes = {file.get_slice(name).get_dtype() for name in file.keys()}
    except SafetensorError as error:
        raise InvalidCheckpoint(f"the file is damaged or cut off ({error}); send it again as svge train wrote it") from error
    if text is None:
        remedy = "put it with its NAME.json into the server's folder of models by hand, or train it again"
        raise InvalidCheckpoint(f"the file carries no card in its metadata, as svge train writes it now; {remedy}")
    if not dtypes <= {*_DTYPES}:
        found = ", ".join(sorted(dtypes - {*_DTYPES}))
        raise InvalidCheckpoint(f"expected weights of the types {', '.join(_DTYPES)}, got {found}; train the model again")
    return _checked(_parsed(text))


def _check_start(path: Path) -> None:
    """Refuse what is of another format by its first bytes, before any parser sees it."""
    with path.open("rb") as file:
        start = file.read(9)
    if start.startswith(b"PK\x03\x04") or (start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05" and start[8:9] != b"{"):
        raise InvalidCheckpoint("expected safetensors, got a pickle, as torch.save writes; those can run code and are never read")
    if len(start) < 9 or start[8:] != b"{":
        raise InvalidCheckpoint("expected a safetensors file, got something else; send NAME.safetensors as svge train wrote it")
    length = int.from_bytes(start[:8], "little")
    if length > _LONGEST_HEADER:
        raise InvalidCheckpoint(
            f"expected a header of at most {_LONGEST_HEADER} bytes, got {length}; no model of svge train has it"
        )


def _parsed(text: str) -> Any:
    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is no number of JSON")

    try:
        return json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise InvalidCheckpoint(f"the card in the metadata cannot be read: {error}; train the model again") from error


def _checked(card: Any) -> dict[str, Any]:
    """The fields that count. Raises `InvalidCheckpoint` where they are not what a catalogue and a builder of models expect."""
    if not isinstance(card, Mapping) or card.get("format_version") != FORMAT_VERSION:
        raise InvalidCheckpoint(f"the card in the metadata does not say format version {FORMAT_VERSION}; train the model again")
    config = card.get("config")
    if not isinstance(card.get("space"), str) or not isinstance(card.get("kind"), str) or not isinstance(config, Mapping):
        raise InvalidCheckpoint("the card in the metadata names no space, no kind or no config; train the model again")
    latent_size = config.get("latent_size")
    if type(latent_size) is not int or latent_size < 1:
        raise InvalidCheckpoint(f"expected a latent_size of at least 1 in the config, got {latent_size!r:.40}; train it again")
    for name, value in config.items():
        if isinstance(value, int) and value > _LARGEST_SIZE:
            raise InvalidCheckpoint(f"expected a {name:.40} of at most {_LARGEST_SIZE} in the config; train a smaller model")
    return {name: card[name] for name in CARRIED if name in card}
