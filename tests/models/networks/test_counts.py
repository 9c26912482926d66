"""Counts of small modules by hand."""

import torch
from torch import nn

from models.networks.counts import count_multiply_adds, count_parameters


def test_parameters_are_the_trainable_ones() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))
    assert count_parameters(network) == (27 * 4 + 4) + 8 + (8 + 2)
    network[0].weight.requires_grad_(False)
    assert count_parameters(network) == 4 + 8 + (8 + 2)


def test_multiply_adds_by_hand() -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.Conv2d(8, 8, 5, padding=2, groups=8, bias=False),
        nn.Conv2d(8, 4, 1, stride=2, bias=False),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 10),
    )
    assert count_multiply_adds(network, (3, 6, 6)) == 36 * 27 * 8 + 36 * 25 * 8 + 9 * 8 * 4 + 4 * 10


def test_counting_changes_no_state() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2)).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    count_multiply_adds(network, (1, 4, 4))
    assert network.training
    assert network[1].training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
