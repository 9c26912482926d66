"""Deploying the model worker on a Ray cluster: how many replicas, on what, and how they are reached. They are `ray_replicas.py`."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ray import serve
from ray.serve.config import RequestRouterConfig

from service.settings import Settings
from service.workers.local import Host
from service.workers.ray_connection import CODER, PROPOSER, connected
from service.workers.ray_replicas import Coder, Proposer

_AFFINITY = RequestRouterConfig(request_router_class="ray.serve.experimental.consistent_hash_router.ConsistentHashRouter")
_CODER_CALLS = 256
_TARGET_CALLS = 2.0
"""Calls in progress for each replica that autoscaling aims at."""


def deploy(settings: Settings, open_host: Callable[[], Host] | None = None) -> None:
    """Put both deployments on the cluster, or replace those that are there; returns when their replicas are ready.

    A replaced deployment serves until the new one is ready. `open_host` makes the host of a replica, of the settings' checkpoints
    and device without it. Raises `OSError` where no cluster answers at the address.
    """
    folders = [folder.resolve() for folder in settings.model_folders]
    host = open_host or partial(_open_model_host, settings.device, *folders)
    with connected(settings.ray_address):
        serve.start(proxy_location="Disabled")  # it is reached by handle; nothing has to listen
        serve.run_many([_coder(settings, host), _proposer(settings, host)])


def _coder(settings: Settings, host: Callable[[], Host]) -> serve.RunTarget:
    replicas = _replicas(settings, settings.ray_coders, settings.ray_coders_max)
    options = serve.deployment(name=CODER, max_ongoing_requests=_CODER_CALLS, **replicas)
    return serve.RunTarget(options(Coder).bind(host, settings.compute_seconds), CODER, route_prefix=None)


def _proposer(settings: Settings, host: Callable[[], Host]) -> serve.RunTarget:
    replicas = _replicas(settings, settings.ray_proposers, settings.ray_proposers_max)
    options = serve.deployment(name=PROPOSER, max_ongoing_requests=1, request_router_config=_AFFINITY, **replicas)
    return serve.RunTarget(options(Proposer).bind(host, settings.compute_seconds), PROPOSER, route_prefix=None)


def _replicas(settings: Settings, least: int, most: int) -> dict[str, Any]:
    actors = {"num_cpus": settings.ray_cpus, "num_gpus": settings.ray_gpus}
    common: dict[str, Any] = {"ray_actor_options": actors, "health_check_period_s": 2, "graceful_shutdown_timeout_s": 5}
    if most <= least:
        return {"num_replicas": least, **common}
    scaling = {"min_replicas": least, "max_replicas": most, "target_ongoing_requests": _TARGET_CALLS}
    return {"autoscaling_config": scaling, **common}


def _open_model_host(device: str, *folders: Path) -> Host:
    from service.workers.model_host import open_model_host  # loads torch, which who deploys need not have

    return open_model_host(device, *folders)
