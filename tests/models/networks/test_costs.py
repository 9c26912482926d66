"""What is counted from the graph is what the built network has."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.networks.build import build_network
from models.networks.costs.published_cost import has_costs, published_cost
from models.networks.costs.tally import IMAGE_CHANNELS, IMAGE_SIZE, NUM_CLASSES, Cost
from models.networks.counts import count_multiply_adds, count_parameters
from models.spaces.nasbench201 import NasBench201
from models.spaces.registry import get_space, space_names
from tests.models.networks.test_build import grown
from tests.strategies import members, spaces


@settings(max_examples=30)
@given(st.data())
def test_counted_and_built_networks_cost_the_same(data: st.DataObject) -> None:
    member = data.draw(spaces().flatmap(members))
    network = build_network(member, NUM_CLASSES)
    operations = count_multiply_adds(network, (IMAGE_CHANNELS, IMAGE_SIZE, IMAGE_SIZE))
    assert published_cost(member) == Cost(count_parameters(network), operations)


@pytest.mark.parametrize(("name", "nodes"), [("enas_macro", 11), ("nasbench101", 9)])
def test_larger_networks_than_trained_on_are_counted_too(name: str, nodes: int) -> None:
    member = grown(get_space(name), nodes, np.random.default_rng(0))
    network = build_network(member, NUM_CLASSES)
    operations = count_multiply_adds(network, (IMAGE_CHANNELS, IMAGE_SIZE, IMAGE_SIZE))
    assert published_cost(member) == Cost(count_parameters(network), operations)


def test_published_sizes() -> None:
    """The largest cell of NAS-Bench-201 has 1.53 million parameters and 220 million multiply-adds by its paper's tables."""
    cost = published_cost(NasBench201().parse_native("|c~0|+|c~0|c~1|+|c~0|c~1|c~2|".replace("c", "nor_conv_3x3")))
    assert cost.parameters == pytest.approx(1.53e6, rel=0.005)
    assert cost.multiply_adds == pytest.approx(220.1e6, rel=0.005)


def test_which_spaces_have_costs() -> None:
    assert all(has_costs(name) for name in space_names())
    assert not has_costs("my_space")
