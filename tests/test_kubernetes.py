"""The manifests for Kubernetes fit its schemas, each other, and the program that they run."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from service.settings import Settings

FOLDER = Path(__file__).parents[1] / "kubernetes"
VERSION = "1.31"
"""The oldest Kubernetes that the manifests are written for."""
KUSTOMIZATIONS = [FOLDER / "base", FOLDER / "ray"]


def kustomization(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((folder / "kustomization.yaml").read_text())
    return found


def resources(folder: Path) -> Iterator[dict[str, Any]]:
    """All objects of a kustomization, those of the ones that it builds on with them, before patches."""
    for name in kustomization(folder)["resources"]:
        path = (folder / name).resolve()
        yield from resources(path) if path.is_dir() else yaml.safe_load_all(path.read_text())


def named(kind: str) -> dict[str, Any]:
    (found,) = [each for each in resources(FOLDER / "ray") if each["kind"] == kind]
    return found


def ray_pods() -> list[dict[str, Any]]:
    cluster = named("RayService")["spec"]["rayClusterConfig"]
    return [group["template"] for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])]


def pods() -> list[dict[str, Any]]:
    return [named("Deployment")["spec"]["template"], *ray_pods()]


@pytest.mark.parametrize("folder", KUSTOMIZATIONS, ids=lambda folder: folder.name)
def test_every_object_fits_the_schema_of_its_kind(folder: Path) -> None:
    checked = 0
    for each in resources(folder):
        if each["kind"] != "RayService":
            kubernetes_validate.validate(each, VERSION, strict=True)
            checked += 1
    assert checked >= 4


def test_the_pods_of_the_cluster_fit_the_schema_of_pods() -> None:
    for template in ray_pods():
        kubernetes_validate.validate(
            {"apiVersion": "v1", "kind": "Pod", **template, "metadata": {**template["metadata"], "name": "a"}}, VERSION, strict=True
        )


def test_the_check_of_schemas_can_fail() -> None:
    wrong = named("Service") | {"spec": {"prots": []}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSION, strict=True)


@pytest.mark.parametrize("folder", KUSTOMIZATIONS, ids=lambda folder: folder.name)
def test_patches_name_objects_that_are_there(folder: Path) -> None:
    there = {(each["kind"], each["metadata"]["name"]) for each in resources(folder)}
    for patch in kustomization(folder).get("patches", []):
        patched = yaml.safe_load((folder / patch["path"]).read_text())
        assert (patched["kind"], patched["metadata"]["name"]) in there


def test_every_setting_that_they_give_is_one() -> None:
    known = {f"SVGE_{name.upper()}": field for name, field in Settings.model_fields.items()}
    given = set(re.findall(r"\bSVGE_[A-Z_]+", "".join(path.read_text() for path in FOLDER.rglob("*.yaml"))))
    assert "SVGE_DATABASE_URL" in given
    assert given <= set(known)
    values = dict(literal.split("=", 1) for folder in KUSTOMIZATIONS for literal in settings_of(folder))
    chosen = Settings(**{name.removeprefix("SVGE_").lower(): value for name, value in values.items()})
    assert chosen.worker == "ray"


def settings_of(folder: Path) -> list[str]:
    literals: list[str] = kustomization(folder)["configMapGenerator"][0]["literals"]
    return literals


def test_selectors_find_their_pods() -> None:
    labels = [pod["metadata"]["labels"] for pod in pods()]
    selectors = [
        named("Deployment")["spec"]["selector"]["matchLabels"],
        named("Service")["spec"]["selector"],
        named("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        named("NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
    ]
    for selector in selectors:
        assert any(selector.items() <= each.items() for each in labels), selector


def test_the_address_of_the_cluster_is_that_of_its_head() -> None:
    address = dict(literal.split("=", 1) for literal in settings_of(FOLDER / "ray"))["SVGE_RAY_ADDRESS"]
    ports = {port["name"]: port["containerPort"] for port in ray_pods()[0]["spec"]["containers"][0]["ports"]}
    assert address == f"ray://{named('RayService')['metadata']['name']}-head-svc:{ports['client']}"


def config_map_paths(value: Any, path: str = "") -> Iterator[str]:
    """Where an object names a ConfigMap, as Kustomize writes paths: without the places in lists."""
    for key, child in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        below = path if isinstance(key, int) else f"{path}/{key}".lstrip("/")
        if key == "configMapRef":
            yield f"{below}/name"
        yield from config_map_paths(child, below)


def test_kustomize_knows_where_the_cluster_names_the_settings_whose_name_it_changes() -> None:
    (name,) = kustomization(FOLDER / "ray")["configurations"]
    (reference,) = yaml.safe_load((FOLDER / "ray" / name).read_text())["nameReference"]
    assert reference["kind"] == "ConfigMap"
    known = {(each["kind"], each["path"]) for each in reference["fieldSpecs"]}
    used = {("RayService", path) for path in config_map_paths(named("RayService"))}
    assert len(used) == len(ray_pods())
    assert known == used


def test_all_replicas_that_the_settings_allow_find_a_gpu() -> None:
    values = dict(literal.split("=", 1) for literal in settings_of(FOLDER / "ray"))
    settings = Settings(**{name.removeprefix("SVGE_").lower(): value for name, value in values.items()})
    (group,) = named("RayService")["spec"]["rayClusterConfig"]["workerGroupSpecs"]
    pod_gpus = group["template"]["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"]
    assert settings.ray_gpus > 0
    assert (settings.ray_coders + settings.ray_proposers) * settings.ray_gpus <= group["minReplicas"] * pod_gpus
    assert (settings.ray_coders_max + settings.ray_proposers_max) * settings.ray_gpus <= group["maxReplicas"] * pod_gpus


def test_pods_run_without_rights_and_images_are_pinned() -> None:
    tags = {image["name"]: image["newTag"] for folder in KUSTOMIZATIONS for image in kustomization(folder)["images"]}
    for pod in pods():
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
        for container in pod["spec"]["containers"]:
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            name, _, tag = container["image"].partition(":")
            assert re.fullmatch(r"\d+\.\d+\.\d+", tag or tags[name])


def test_no_secret_is_in_the_files() -> None:
    assert all(each["kind"] != "Secret" for each in resources(FOLDER / "ray"))
    (variable,) = named("Deployment")["spec"]["template"]["spec"]["containers"][0]["env"]
    assert set(variable["valueFrom"]) == {"secretKeyRef"}
