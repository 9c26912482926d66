"""ENAS micro networks: sizes by hand, where images are halved, and what an unused cell input becomes."""

import pytest
import torch

from models.architectures.architecture import Architecture
from models.networks.build import build_network
from models.networks.counts import count_parameters
from models.networks.enas_micro import EnasMicroNetwork
from models.networks.skeleton import Skeleton
from models.spaces.enas_micro import OPERATIONS, EnasMicro

SMALL = Skeleton(channels=4, stacks=1)
C = 4


def cell(*rows: list[int]) -> Architecture:
    """The cell of these rows and of sums that pool the sum before, so that the last sum is the one that feeds nothing."""
    more = [[node + 1, 3, node + 1, 3] for node in range(len(rows), 5)]
    return EnasMicro().parse_native([*rows, *more])


def convolution(kernel: int, channels_in: int, channels_out: int) -> int:
    return kernel**2 * channels_in * channels_out + 2 * channels_out


def expected(operation: int, stride: int) -> int:
    """The parameters of two such operations on cell inputs with `channels` twice `C` in the reduction."""
    channels = C * stride
    kernel = {0: 3, 1: 5}.get(operation)
    if kernel is not None:
        return 2 * convolution(kernel, channels, channels)
    return 2 * convolution(1, channels, channels) if OPERATIONS[operation] == "identity" and stride == 2 else 0


@pytest.mark.parametrize("operation", range(5))
def test_the_size_of_each_operation(operation: int) -> None:
    """One cell and one reduction; the row uses both inputs, so that one loose end is joined in each cell."""
    network = build_network(cell([0, operation, 1, operation]), 10, SMALL)
    plain = 2 * convolution(1, C, C) + convolution(1, C, C)
    reduction = 2 * convolution(1, C, 2 * C) + convolution(1, 2 * C, 2 * C)
    ends = convolution(3, 3, C) + 2 * C * 10 + 10
    assert count_parameters(network) == ends + plain + reduction + expected(operation, 1) + expected(operation, 2)


def test_an_unused_input_is_joined_and_shrunk() -> None:
    both, one = (build_network(cell([first, 3, 1, 3]), 10, SMALL) for first in (0, 1))
    joined = C * C + (2 * C) ** 2  # a second input of the joining convolutions
    assert count_parameters(one) == count_parameters(both) + joined + convolution(1, 2 * C, 2 * C)


@pytest.mark.parametrize(("stacks", "cells"), [(1, 1), (3, 1), (2, 3)])
def test_every_stack_ends_in_a_cell_that_halves_the_image_and_doubles_the_channels(stacks: int, cells: int) -> None:
    network = build_network(cell([0, 0, 1, 4]), 10, Skeleton(channels=C, stacks=stacks, cells_per_stack=cells)).eval()
    assert isinstance(network, EnasMicroNetwork)
    shapes: list[tuple[int, ...]] = []
    handles = [
        module.register_forward_hook(lambda module, inputs, output: shapes.append(tuple(output.shape[1:])))
        for module in network.cells
    ]
    network(torch.zeros(1, 3, 16, 16))
    assert len(handles) == stacks * (cells + 1)
    halved = [number // (cells + 1) for number in range(1, len(handles) + 1)]
    assert shapes == [(C * 2**times, 16 // 2**times, 16 // 2**times) for times in halved]


def test_odd_images_are_rounded_up() -> None:
    network = build_network(cell([0, 4, 1, 2]), 10, Skeleton(channels=C, stacks=2)).eval()
    assert network(torch.zeros(1, 3, 7, 7)).shape == (1, 10)
