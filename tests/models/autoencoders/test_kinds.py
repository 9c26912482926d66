"""Kinds by name: every one has a config that it reads back, and builds a model of any vocabulary."""

import dataclasses

import pytest
import torch

from models.autoencoders.kinds import InvalidConfig, UnknownKind, build_model, kind_names, kind_of, published_config, read_config
from models.spaces.registry import get_space
from models.svge.graph_model import GraphModel

SPACE = get_space("enas_macro")
SMALL = {
    "svge": {"latent_size": 5, "node_size": 8},
    "gin": {"latent_size": 5, "gin_size": 8, "node_size": 8},
    "dvae": {"latent_size": 5, "state_size": 8},
}


@pytest.mark.parametrize("kind", kind_names())
def test_a_config_is_read_back_from_its_plain_values(kind: str) -> None:
    config = published_config(kind, SPACE)
    assert kind_of(config) == kind
    assert read_config(kind, dataclasses.asdict(config)) == config
    assert config.latent_size == 56


@pytest.mark.parametrize("kind", kind_names())
def test_a_model_is_built_by_its_seed(kind: str) -> None:
    config = read_config(kind, SMALL[kind])
    models = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        models.append(build_model(config, SPACE.vocabulary))
    first, same, other = (torch.cat([parameter.flatten() for parameter in model.parameters()]) for model in models)
    assert isinstance(models[0], GraphModel)
    assert models[0].vocabulary == SPACE.vocabulary
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_the_published_d_vae_knows_the_places_of_its_space() -> None:
    assert dataclasses.asdict(published_config("dvae", SPACE))["num_vertex_ids"] == SPACE.max_nodes


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        ("svge", {"size": 3}, "has no field 'size'"),
        ("dvae", {"state_size": 0}, "'state_size' to be a whole number of at least 1, got 0"),
        ("gin", {"num_layers": 2.5}, "'num_layers' to be a whole number"),
        ("svge", {"latent_size": True}, "'latent_size' to be a whole number"),
        ("svge", {"kl_weight": None}, "'kl_weight' to be a number"),
    ],
)
def test_values_that_are_no_config_are_refused(kind: str, values: dict, message: str) -> None:
    with pytest.raises(InvalidConfig, match=message):
        read_config(kind, values)


def test_an_unknown_kind_lists_the_known_ones() -> None:
    with pytest.raises(UnknownKind, match="'vae'; expected one of svge, gin, dvae"):
        published_config("vae", SPACE)
    with pytest.raises(UnknownKind, match="got a str"):
        kind_of("svge")
