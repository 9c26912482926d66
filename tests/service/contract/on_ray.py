"""The deployment of the contract suite whose model worker is on a Ray cluster: its checkpoints, and what is put on the cluster."""

from pathlib import Path

import torch

from benchmarks.ray_cluster import Cluster
from models.autoencoders.checkpoint import save_checkpoint
from models.spaces.nasbench101 import NasBench101
from models.svge.config import SVGeConfig
from models.svge.model import SVGe
from service.settings import Settings
from tests.ray import run_module

TRAINED = "tiny"
"""The name of the checkpoint that is a real one."""

RAY_COMPUTE_SECONDS = "30"
"""A replica loads torch within its first proposal of the real checkpoint."""


def deploy_contract_host(cluster: Cluster, folder: Path) -> None:
    """Put the replicas on the cluster, two that propose."""
    settings = Settings(ray_address=cluster.address, ray_proposers=2, ray_cpus=0.5, models_folder=folder)
    run_module("tests.service.contract.deploy_on_ray", settings.model_dump_json(), str(folder))


def write_trained_model(folder: Path) -> None:
    """A small untrained checkpoint of the usual kind."""
    folder.mkdir()
    torch.manual_seed(0)
    config = SVGeConfig(node_size=8, message_size=8, hidden_size=8, latent_size=3)
    save_checkpoint(SVGe(config, NasBench101().vocabulary), "nasbench101", folder / f"{TRAINED}.safetensors", {})
