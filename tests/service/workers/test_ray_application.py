"""The applications that a Serve config names are those that `svge worker deploy` makes, built here as Serve builds them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from models.pretrained.catalogue import FOLDER
from tests.ray import needs_ray

MANIFEST = Path(__file__).parents[3] / "kubernetes" / "ray" / "rayservice.yaml"


@pytest.fixture(autouse=True)
def _ray() -> None:
    needs_ray()


def config() -> Any:
    return yaml.safe_load(yaml.safe_load(MANIFEST.read_text())["spec"]["serveConfigV2"])


def built(import_path: str, **arguments: str) -> Any:
    """As Serve's controller does it: the one deployment of an application."""
    from ray._common.utils import import_attr
    from ray.serve._private.api import call_user_app_builder_with_args_if_necessary
    from ray.serve._private.build_app import build_app

    application = call_user_app_builder_with_args_if_necessary(import_attr(import_path), arguments)
    (deployment,) = build_app(application, name="any", default_runtime_env={}).deployments
    return deployment


def test_the_manifest_names_the_applications_that_the_api_looks_for() -> None:
    from ray.serve.schema import ServeDeploySchema

    from service.workers.ray_connection import CODER, PROPOSER

    applications = ServeDeploySchema.model_validate(config()).applications
    assert {one.name: built(one.import_path).name for one in applications} == {CODER: CODER, PROPOSER: PROPOSER}
    assert all(one.route_prefix is None for one in applications)


def test_the_settings_in_the_environment_say_how_many_replicas_there_are_and_what_each_takes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = {"RAY_CODERS": "2", "RAY_PROPOSERS": "1", "RAY_PROPOSERS_MAX": "4", "RAY_GPUS": "0.5", "UPLOADS_FOLDER": str(tmp_path)}
    for name, value in given.items():
        monkeypatch.setenv(f"SVGE_{name}", value)
    coder, proposer = (built(one["import_path"]) for one in config()["applications"])
    assert coder._deployment_config.num_replicas == 2
    scaling = proposer._deployment_config.autoscaling_config
    assert (scaling.min_replicas, scaling.max_replicas) == (1, 4)
    assert proposer._deployment_config.max_ongoing_requests == 1
    assert coder.ray_actor_options["num_gpus"] == proposer.ray_actor_options["num_gpus"] == 0.5
    open_host, _ = coder.init_args
    assert open_host.args == ("auto", FOLDER.resolve(), tmp_path.resolve())


def test_arguments_of_a_config_are_refused_where_they_would_do_nothing() -> None:
    with pytest.raises(ValueError, match="no args.*gpus.*SVGE_"):
        built(config()["applications"][0]["import_path"], gpus="1")
