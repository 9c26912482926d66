"""The files for containers agree with the program that they run."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.settings import Settings

ROOT = Path(__file__).parents[1]
COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text()


def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    return found


def test_every_setting_that_they_give_is_one() -> None:
    known = {f"SVGE_{name.upper()}" for name in Settings.model_fields}
    given = set(re.findall(r"^\s*(?:ENV )?(SVGE_[A-Z_]+)[=:]", DOCKERFILE + COMPOSE.read_text(), flags=re.MULTILINE))
    assert given
    assert given <= known
    assert Settings(host="0.0.0.0").needs_keys


def test_what_is_copied_into_the_image_is_there_and_is_sent_to_the_builder() -> None:
    copied = [name for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, flags=re.MULTILINE) for name in line.split()[:-1]]
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied
    assert all((ROOT / name).exists() for name in copied)
    assert set(copied) == sent


def test_no_secret_has_a_default() -> None:
    for name, default in re.findall(r"\$\{([A-Z_]+)([^}]*)\}", COMPOSE.read_text()):
        assert ("PASSWORD" not in name and "TOKEN" not in name) or default.startswith(":?"), name
    assert "environment" in yaml.safe_load(COMPOSE.read_text())["secrets"]["metrics_token"]


def test_images_are_pinned_and_nothing_runs_before_the_schema_is_there() -> None:
    images = [service["image"] for service in services().values()] + re.findall(r"PYTHON_IMAGE=(\S+)", DOCKERFILE)
    assert all(
        image in ("svge-search-api", "svge-search-worker") or re.fullmatch(r"[a-z/-]+:v?\d+\.\d+[\w.-]*", image) for image in images
    ), images
    assert services()["api"]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert services()["migrate"]["command"] == ["db", "upgrade"]


def stages() -> dict[str, str]:
    """The lines of each stage of the Dockerfile by its name."""
    parts = re.split(r"^FROM \S+ AS (\S+)$", DOCKERFILE, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_the_api_is_built_without_torch_and_nobody_runs_as_root() -> None:
    assert "torch" not in stages()["build-api"].lower()
    assert "[model," in stages()["build-worker"]
    for target in ("api", "worker"):
        assert "USER svge" in stages()[target]
        assert "HEALTHCHECK" in stages()[target]
    used = {service["image"]: service["build"]["target"] for service in services().values() if "build" in service}
    assert used == {"svge-search-api": "api", "svge-search-worker": "worker"}


def test_the_api_finds_the_worker_where_it_listens() -> None:
    address = services()["api"]["environment"]["SVGE_RAY_ADDRESS"]
    host, port = re.fullmatch(r"ray://(\w+):(\d+)", address).groups()  # type: ignore[union-attr]
    assert f"--ray-client-server-port {port}" in services()[host]["command"][0]


def test_both_replicas_fit_on_a_node_with_one_cpu() -> None:
    (default,) = re.findall(r"SVGE_RAY_CPUS:-([\d.]+)", services()["worker"]["environment"]["SVGE_RAY_CPUS"])
    settings = Settings(ray_cpus=float(default))
    assert (settings.ray_coders + settings.ray_proposers) * settings.ray_cpus <= 1


def test_the_object_store_fits_into_the_shared_memory() -> None:
    worker = services()["worker"]
    (size,) = re.findall(r"--object-store-memory (\d+)", worker["command"][0])
    assert int(size) < int(worker["shm_size"].removesuffix("gb")) * 2**30


def test_a_database_that_is_only_being_set_up_does_not_count_as_healthy() -> None:
    # The server that does it has no TCP port, which is where the others reach it.
    test = services()["database"]["healthcheck"]["test"]
    assert test[test.index("--host") + 1] == "127.0.0.1"


@pytest.mark.parametrize("name", ["Caddyfile", "prometheus.yml"])
def test_files_that_are_mounted_are_there_and_name_the_service(name: str) -> None:
    mounts = [mount for service in services().values() for mount in service.get("volumes", [])]
    assert any(mount.startswith(f"./docker/{name}:") for mount in mounts)
    assert "api" in (ROOT / "docker" / name).read_text()
