"""A trained model on disk: weights as safetensors, which carry what the model is built from, and a JSON card beside them.

The list of the shipped ones, which needs no torch, is `models/pretrained/catalogue.py`.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from models.autoencoders.autoencoder import GraphAutoencoder
from models.autoencoders.kinds import InvalidConfig, UnknownKind, build_model, kind_of, read_config
from models.pretrained.catalogue import Card, InvalidCheckpoint, read_card, space_of
from models.pretrained.embedded_card import FORMAT_VERSION, embed_card
from models.spaces.space import SearchSpace
from models.svge.graph_model import GraphModel

DEFAULT_KIND = "svge"
"""The kind of a card that names none: the first cards knew only one."""


def save_checkpoint(model: GraphModel, space: str, path: Path, details: Mapping[str, Any]) -> None:
    """Write `path` (`.safetensors`) in half precision, and its card (`.json`) with `details` added.

    The details of a model of a user's own space hold its definition, `space_definition`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.detach().cpu().to(torch.float16).contiguous() for name, tensor in model.state_dict().items()}
    card = {
        "format_version": FORMAT_VERSION,
        "space": space,
        "vocabulary": list(model.vocabulary),
        "kind": kind_of(model.config),
        "config": asdict(model.config),
        **details,
    }
    # Both are written beside and moved into place, so that a checkpoint that is there is whole.
    new_weights, new_card = path.with_suffix(".safetensors.new"), path.with_suffix(".json.new")
    save_file(weights, new_weights, embed_card(card))
    new_card.write_text(json.dumps(card, indent=2) + "\n")
    new_weights.replace(path)
    new_card.replace(path.with_suffix(".json"))


def load_autoencoder(path: Path, device: torch.device) -> GraphAutoencoder:
    """The model of a checkpoint in single precision on `device`, with its space. Raises `InvalidCheckpoint`."""
    card = read_card(path)
    if card.details.get("format_version") != FORMAT_VERSION:
        raise InvalidCheckpoint(f"the card of '{card.name}' does not say format version {FORMAT_VERSION}; train the model again")
    space = _space_of(card)
    model = _untrained(card, space)
    try:
        weights = load_file(card.path)
        model.load_state_dict({name: tensor.float() for name, tensor in weights.items()}, strict=True)
    except (SafetensorError, RuntimeError, OSError) as error:
        raise InvalidCheckpoint(
            f"the weights of '{card.name}' are damaged or do not fit its card ({error}); get both files again or train it again"
        ) from error
    damaged = [name for name, tensor in weights.items() if not bool(torch.isfinite(tensor).all())]
    if damaged:
        raise InvalidCheckpoint(f"the weights of '{card.name}' hold NaN or infinity in {damaged[0]}; train the model again")
    return GraphAutoencoder(model, space, device)


def _space_of(card: Card) -> SearchSpace:
    space = space_of(card)
    labels = card.details.get("vocabulary")
    if labels != list(space.vocabulary):
        raise InvalidCheckpoint(
            f"'{card.name}' was trained on the labels {labels}, '{space.name}' has {list(space.vocabulary)}; "
            "use the space that it was trained on"
        )
    return space


def _untrained(card: Card, space: SearchSpace) -> GraphModel:
    try:
        return build_model(read_config(card.details.get("kind", DEFAULT_KIND), card.details["config"]), space.vocabulary)
    except (UnknownKind, InvalidConfig, RuntimeError) as error:
        raise InvalidCheckpoint(f"the card of '{card.name}' describes no model that can be built: {error}") from error
