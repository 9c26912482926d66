"""A trained model on disk: weights as safetensors, everything else in a JSON card beside them.

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

from models.spaces.registry import get_space
from models.svge.autoencoder import SvgeAutoencoder
from models.svge.config import SVGeConfig
from models.svge.model import SVGe

FORMAT_VERSION = 1


class InvalidCheckpoint(ValueError):
    """A checkpoint cannot be used: damaged, of another format, or of another space than its card says."""


def save_checkpoint(model: SVGe, space: str, path: Path, details: Mapping[str, Any]) -> None:
    """Write `path` (`.safetensors`) in half precision, and its card (`.json`) with `details` added."""
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.detach().cpu().to(torch.float16).contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, path)
    card = {
        "format_version": FORMAT_VERSION,
        "space": space,
        "vocabulary": list(model.vocabulary),
        "config": asdict(model.config),
        **details,
    }
    path.with_suffix(".json").write_text(json.dumps(card, indent=2) + "\n")


def load_autoencoder(path: Path, device: torch.device) -> SvgeAutoencoder:
    """The model of a checkpoint in single precision on `device`, with its space. Raises `InvalidCheckpoint`."""
    try:
        card = json.loads(path.with_suffix(".json").read_text())
        weights = load_file(path)
    except (OSError, json.JSONDecodeError, SafetensorError) as error:
        raise InvalidCheckpoint(f"cannot read the checkpoint '{path.name}' and its card: {error}") from error
    if not isinstance(card, dict) or card.get("format_version") != FORMAT_VERSION:
        raise InvalidCheckpoint(f"the card of '{path.name}' does not say format version {FORMAT_VERSION}; train the model again")
    space = get_space(card["space"])
    if tuple(card["vocabulary"]) != space.vocabulary:
        raise InvalidCheckpoint(
            f"'{path.name}' was trained on the labels {card['vocabulary']}, '{space.name}' has {space.vocabulary}"
        )
    try:
        model = SVGe(SVGeConfig(**card["config"]), space.vocabulary)
        model.load_state_dict({name: tensor.float() for name, tensor in weights.items()}, strict=True)
    except (RuntimeError, TypeError) as error:
        raise InvalidCheckpoint(f"the weights of '{path.name}' do not fit its card: {error}") from error
    return SvgeAutoencoder(model, space, device)
