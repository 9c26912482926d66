"""Deploying the model worker on a Ray cluster: how many replicas, on what, and how they are reached. They are `ray_replicas.py`.

`deploy` does it from here; a Serve config, that of `kubernetes/ray/rayservice.yaml` say, names `coder_application` and
`proposer_application`.
"""

from collections.abc import Callable, Mapping
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
    host = open_host or _host_of(settings)
    targets = [(_coder(settings, host), CODER), (_proposer(settings, host), PROPOSER)]
    with connected(settings.ray_address):
        serve.start(proxy_location="Disabled")  # it is reached by handle; nothing has to listen
        serve.run_many([serve.RunTarget(target, name, route_prefix=None) for target, name in targets])


def coder_application(arguments: dict[str, str]) -> serve.Application:
    """What Serve builds from an `import_path`, by the settings in the environment. Raises `ValueError` for arguments."""
    settings = _settings_of(arguments)
    return _coder(settings, _host_of(settings))


def proposer_application(arguments: dict[str, str]) -> serve.Application:
    """The same for the other application."""
    settings = _settings_of(arguments)
    return _proposer(settings, _host_of(settings))


def _settings_of(arguments: Mapping[str, str]) -> Settings:
    if arguments:
        raise ValueError(f"expected no args for the application, got {', '.join(arguments)}; set SVGE_ variables instead")
    return Settings()  # type: ignore[call-arg]


def _host_of(settings: Settings) -> Callable[[], Host]:
    return partial(_open_model_host, settings.device, *[folder.resolve() for folder in settings.model_folders])


def _coder(settings: Settings, host: Callable[[], Host]) -> serve.Application:
    replicas = _replicas(settings, settings.ray_coders, settings.ray_coders_max)
    options = serve.deployment(name=CODER, max_ongoing_requests=_CODER_CALLS, **replicas)
    return options(Coder).bind(host, settings.compute_seconds)


def _proposer(settings: Settings, host: Callable[[], Host]) -> serve.Application:
    replicas = _replicas(settings, settings.ray_proposers, settings.ray_proposers_max)
    options = serve.deployment(name=PROPOSER, max_ongoing_requests=1, request_router_config=_AFFINITY, **replicas)
    return options(Proposer).bind(host, settings.compute_seconds)


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
