"""Equal latents for isomorphic graphs, and the nearest two of the others, against a slow search for them."""

import numpy as np
import pytest
import torch

from models.autoencoders.autoencoder import GraphAutoencoder
from models.baselines.config import DvaeConfig
from models.baselines.dvae import Dvae
from models.evaluation.injectivity import closest_pair, largest_relabelling_difference
from models.spaces.registry import get_space, space_names
from models.svge.datasets import sample_distinct
from tests.models.svge.small import small_autoencoder

CPU = torch.device("cpu")


@pytest.mark.parametrize("name", space_names())
def test_relabelling_leaves_the_latents_in_every_space(name: str) -> None:
    autoencoder = small_autoencoder(name)
    architectures = sample_distinct(autoencoder.space, 1000, np.random.default_rng(0))
    assert largest_relabelling_difference(autoencoder, architectures, 0) < 1e-5


@pytest.mark.parametrize(("num_vertex_ids", "equal"), [(0, True), (7, False)])
def test_the_places_that_the_published_dvae_appends_are_noticed(num_vertex_ids: int, equal: bool) -> None:
    space = get_space("nasbench101")
    torch.manual_seed(0)
    model = Dvae(DvaeConfig(state_size=24, latent_size=8, num_vertex_ids=num_vertex_ids), space.vocabulary)
    architectures = sample_distinct(space, 200, np.random.default_rng(0))
    difference = largest_relabelling_difference(GraphAutoencoder(model, space, CPU), architectures, 0)
    assert (difference < 1e-5) is equal


def test_the_closest_pair_is_that_of_all_distances() -> None:
    space = get_space("nasbench101")
    architectures = sample_distinct(space, 1500, np.random.default_rng(0))
    latents = torch.randn(1500, 6, generator=torch.Generator().manual_seed(0))
    latents[1400] = latents[3] + 1e-4
    found = closest_pair(architectures, latents)
    assert found.distance == pytest.approx(float(torch.pdist(latents.double()).min()))
    assert {found.first, found.second} == {architectures[3], architectures[1400]}


def test_equal_latents_are_a_distance_of_nothing() -> None:
    space = get_space("enas_macro")
    architectures = sample_distinct(space, 50, np.random.default_rng(0))
    latents = torch.randn(50, 6, generator=torch.Generator().manual_seed(0))
    latents[49] = latents[0]
    assert closest_pair(architectures, latents).distance == 0.0


def test_equal_latents_are_found_beside_near_ones_and_far_down_the_list() -> None:
    architectures = sample_distinct(get_space("nasbench101"), 5000, np.random.default_rng(0))
    for seed, gap in enumerate((0.0003, 0.001, 0.002, 0.004)):
        latents = torch.randn(5000, 56, generator=torch.Generator().manual_seed(seed))
        latents[4700] = latents[5]
        latents[4600] = latents[5] + gap / 56**0.5
        found = closest_pair(architectures, latents)
        assert found.distance == 0.0
        assert {found.first, found.second} == {architectures[5], architectures[4700]}


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_have_no_closest_pair(count: int) -> None:
    architectures = sample_distinct(get_space("enas_macro"), count, np.random.default_rng(0))
    with pytest.raises(ValueError, match=f"at least two architectures to compare, got {count}"):
        closest_pair(architectures, torch.zeros(count, 6))
