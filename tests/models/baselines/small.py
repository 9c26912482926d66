"""Small untrained baselines for the tests of this folder."""

import torch

from models.baselines.config import DvaeConfig, GinConfig
from models.baselines.dvae import Dvae
from models.baselines.gin import Gin
from models.spaces.registry import get_space

SMALL_GIN = GinConfig(gin_size=16, num_layers=3, node_size=16, message_size=12, hidden_size=12, latent_size=8)
SMALL_DVAE = DvaeConfig(state_size=24, latent_size=8)


def small_gin(space: str, seed: int = 0, config: GinConfig = SMALL_GIN) -> Gin:
    torch.manual_seed(seed)
    return Gin(config, get_space(space).vocabulary)


def small_dvae(space: str, seed: int = 0, config: DvaeConfig = SMALL_DVAE) -> Dvae:
    torch.manual_seed(seed)
    return Dvae(config, get_space(space).vocabulary)
