"""What is evaluated: a checkpoint, by its name in the folders of checkpoints or by its path."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from models.autoencoders.autoencoder import GraphAutoencoder
from models.autoencoders.checkpoint import load_autoencoder
from models.pretrained.catalogue import Card, find_card, read_card


@dataclass(frozen=True, eq=False)
class Subject:
    """A checkpoint's card and the autoencoder loaded from it."""

    card: Card
    autoencoder: GraphAutoencoder

    @property
    def facts(self) -> Mapping[str, Any]:
        """What every result says of its checkpoint."""
        return {"checkpoint": self.card.name, "hash": self.card.hash, "space": self.card.space}


def load_subject(checkpoint: str, device: torch.device, *folders: Path) -> Subject:
    """The checkpoint with this name or hash in the folders, or at this path. Raises `UnknownModel` and `InvalidCheckpoint`."""
    path = Path(checkpoint)
    is_path = path.suffix in (".safetensors", ".json") or path.parent != Path()
    card = read_card(path) if is_path else find_card(checkpoint, *folders)
    return Subject(card, load_autoencoder(card.path, device))


def check_comparable(subject: Subject, others: Sequence[Subject]) -> None:
    """Raise `ValueError` where results of `others` cannot stand beside those of `subject`: another space, or a name used twice."""
    known = {subject.card.name: subject.card}
    for other in others:
        name = other.card.name
        if other.card.space != subject.card.space:
            raise ValueError(f"'{name}' is of '{other.card.space}', not of '{subject.card.space}'; leave it out")
        if name in known:
            raise ValueError(
                f"expected checkpoints with different names, got '{name}' twice, from '{known[name].path}' and "
                f"'{other.card.path}'; leave one out, or compare a copy with another file name"
            )
        known[name] = other.card
