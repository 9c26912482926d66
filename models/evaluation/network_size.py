"""How large the network of an architecture would be, without the memory for its weights."""

import torch

from models.architectures.architecture import Architecture
from models.networks.build import build_network
from models.networks.counts import count_parameters
from models.spaces.space import UnknownSpace

NUM_CLASSES = 10
"""Those of CIFAR-10, on which the published accuracies were measured."""


def count_network(architecture: Architecture) -> int | None:
    """The trainable parameters of the published CIFAR-10 network; None for a space without networks."""
    try:
        with torch.device("meta"):
            return count_parameters(build_network(architecture, NUM_CLASSES))
    except UnknownSpace:
        return None
