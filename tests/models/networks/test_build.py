"""Every space's networks run forward and backward on tiny images, learn, and refuse what they cannot be built from."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from models.architectures.architecture import Architecture, InvalidArchitecture
from models.networks.build import build_network
from models.networks.skeleton import Skeleton
from models.spaces.enas_macro import EnasMacro
from models.spaces.registry import get_space, space_names
from models.spaces.space import SearchSpace, UnknownSpace
from tests.strategies import members, spaces

TINY = Skeleton(channels=8, stacks=2, input_channels=1)


def grown(space: SearchSpace, nodes: int, rng: np.random.Generator) -> Architecture:
    """A member of the enlarged space with this many nodes, by random growth."""
    member = space.sample(rng)
    while member.num_nodes < nodes:
        larger = [other for other in space.neighbours(member, nodes) if other.num_nodes > member.num_nodes]
        member = larger[rng.integers(len(larger))] if larger else space.sample(rng)
    return member


@settings(max_examples=40)
@given(st.data())
def test_small_networks_run_forward_and_backward_on_8x8_images(data: st.DataObject) -> None:
    member = data.draw(spaces().flatmap(members))
    skeleton = Skeleton(channels=8, stacks=data.draw(st.integers(1, 3)), input_channels=data.draw(st.sampled_from([1, 3])))
    network = build_network(member, 10, skeleton)
    logits = network(torch.randn(2, skeleton.input_channels, 8, 8))
    assert logits.shape == (2, 10)
    nn.functional.cross_entropy(logits, torch.tensor([1, 2])).backward()
    gradients = [parameter.grad for parameter in network.parameters()]
    assert all(gradient is not None and torch.isfinite(gradient).all() for gradient in gradients)


@pytest.mark.parametrize(("name", "nodes"), [("nasbench101", 8), ("nasbench101", 9), ("enas_macro", 14)])
def test_networks_of_extrapolated_architectures_run(name: str, nodes: int) -> None:
    member = grown(get_space(name), nodes, np.random.default_rng(nodes))
    logits = build_network(member, 10, TINY)(torch.randn(2, 1, 8, 8))
    logits.sum().backward()
    assert member.num_nodes == nodes
    assert logits.shape == (2, 10)


@pytest.mark.parametrize("name", space_names())
def test_equal_seeds_build_equal_networks_and_images_do_not_leak_into_each_other(name: str) -> None:
    member = get_space(name).sample(np.random.default_rng(1))
    torch.manual_seed(0)
    first = build_network(member, 10, TINY).eval()
    torch.manual_seed(0)
    second = build_network(member, 10, TINY).eval()
    images = torch.randn(4, 1, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(first(images), second(images), rtol=0, atol=0)
        torch.testing.assert_close(first(images)[1:2], first(images[1:2]))


@pytest.mark.parametrize("name", space_names())
def test_a_network_fits_a_few_images(name: str) -> None:
    torch.manual_seed(0)
    network = build_network(get_space(name).sample(np.random.default_rng(2)), 4, TINY)
    images, labels = torch.randn(16, 1, 8, 8), torch.arange(16) % 4
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    losses = []
    for _ in range(40):
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(network(images), labels)
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]


def test_architectures_outside_their_space_are_refused() -> None:
    with pytest.raises(UnknownSpace, match="no networks for the space 'elsewhere'"):
        build_network(Architecture("elsewhere", ("input", "output"), ((0, 1),)), 10)
    with pytest.raises(InvalidArchitecture, match="lies on no path"):
        build_network(Architecture("nasbench101", ("input", "conv1x1", "output"), ((0, 2),)), 10)
    with pytest.raises(InvalidArchitecture, match="unknown operation"):
        build_network(Architecture("enas_macro", ("input", "conv1x1", "output"), ((0, 1), (1, 2))), 10)
    with pytest.raises(InvalidArchitecture, match="exactly 8 nodes"):
        build_network(Architecture("nasbench201", ("input", "skip", "output"), ((0, 1), (1, 2))), 10)


def test_networks_of_few_layers_are_built_as_well() -> None:
    member = EnasMacro(num_layers=2).sample(np.random.default_rng(0))
    assert build_network(member, 10, TINY)(torch.zeros(2, 1, 8, 8)).shape == (2, 10)


@pytest.mark.parametrize("field", ["channels", "stacks", "cells_per_stack", "input_channels"])
def test_a_skeleton_has_positive_sizes(field: str) -> None:
    with pytest.raises(ValueError, match=f"expected '{field}' of a skeleton to be at least 1, got 0"):
        Skeleton(**{"channels": 8, field: 0})
