"""Small untrained and quickly trained models for the tests of this folder."""

import torch

from models.autoencoders.autoencoder import GraphAutoencoder
from models.spaces.registry import get_space
from models.svge.config import SVGeConfig
from models.svge.model import SVGe

SMALL = SVGeConfig(node_size=32, message_size=24, hidden_size=24, latent_size=12)


def small_model(space: str, seed: int = 0, config: SVGeConfig = SMALL) -> SVGe:
    torch.manual_seed(seed)
    return SVGe(config, get_space(space).vocabulary)


def small_autoencoder(space: str, seed: int = 0, config: SVGeConfig = SMALL) -> GraphAutoencoder:
    return GraphAutoencoder(small_model(space, seed, config), get_space(space), torch.device("cpu"))
