"""A small run with two workers on a Ray cluster, in a process of its own, which may load Ray: `ADDRESS FOLDER`."""

import sys
from pathlib import Path

from models.evaluation.pretraining import Pretraining
from models.spaces.registry import get_space
from models.svge.config import SVGeConfig
from models.svge.training import TrainingConfig


def small_run(folder: Path) -> Pretraining:
    """A run that saves its state at every report. Without posterior noise one process and two differ by rounding alone."""
    model = SVGeConfig(node_size=16, message_size=16, hidden_size=16, latent_size=8, posterior_noise_scale=0.0)
    training = TrainingConfig(num_steps=100, batch_size=16, precision="float32", save_every=0.0)
    return Pretraining(model, training, folder / "run", folder / "small.safetensors", num_graphs=200, num_measured=5)


if __name__ == "__main__":
    from models.evaluation.ray_training import pretrain_on_ray  # which loads Ray

    pretrain_on_ray(get_space("enas_macro"), small_run(Path(sys.argv[2])), sys.argv[1], workers=2, on_gpus=False)
