"""The size of a network around an architecture. What is built from it is in the file of each space."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Skeleton:
    """How large a network is; what is computed inside is the architecture's.

    `channels` leave the stem. The network has `stacks` resolutions: from one to the next the image halves and the channels double.
    Spaces of cells repeat the cell `cells_per_stack` times in each stack; the layers of a whole network (`enas_macro`) are shared
    out over the stacks, so there it stays 1. `input_channels` is the image's: 3 for colour, 1 for grey.
    Raises `ValueError` where one of them is not positive.
    """

    channels: int
    stacks: int = 3
    cells_per_stack: int = 1
    input_channels: int = 3

    def __post_init__(self) -> None:
        for name in ("channels", "stacks", "cells_per_stack", "input_channels"):
            if getattr(self, name) < 1:
                raise ValueError(f"expected '{name}' of a skeleton to be at least 1, got {getattr(self, name)}")
