"""ENAS macro networks: sizes by hand, the places of the reductions, and which values they keep."""

import pytest
import torch
from torch import nn

from models.architectures.architecture import Architecture
from models.networks.build import build_network
from models.networks.counts import count_parameters
from models.networks.enas_macro import EnasMacroNetwork, FactorizedReduction
from models.networks.skeleton import Skeleton
from models.spaces.enas_macro import EnasMacro


def architecture(*labels: str, skips: tuple[tuple[int, int], ...] = ()) -> Architecture:
    chain = tuple((node, node + 1) for node in range(len(labels) + 1))
    return Architecture("enas_macro", ("input", *labels, "output"), (*chain, *skips))


def parameters(*labels: str, skips: tuple[tuple[int, int], ...] = ()) -> int:
    return count_parameters(build_network(architecture(*labels, skips=skips), 10, Skeleton(channels=8, stacks=1)))


BASE = 27 * 8 + 2 * 8 + 8 * 10 + 10  # stem and classifier
SQUEEZE = 8 * 8 + 2 * 8  # 1x1 convolution and its normalisation


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("conv3x3", 9 * 64 + 16),
        ("conv5x5", 25 * 64 + 16),
        ("sep_conv3x3", 9 * 8 + 64 + 16),
        ("sep_conv5x5", 25 * 8 + 64 + 16),
        ("avg_pool3x3", 0),
        ("max_pool3x3", 0),
    ],
)
def test_the_size_of_each_operation(label: str, expected: int) -> None:
    assert parameters(label) == BASE + SQUEEZE + expected


def test_each_skip_widens_the_joining_convolution() -> None:
    plain = parameters(*["max_pool3x3"] * 3)
    assert plain == BASE + 3 * SQUEEZE + 2 * SQUEEZE
    assert parameters(*["max_pool3x3"] * 3, skips=((0, 2),)) == plain + 64
    assert parameters(*["max_pool3x3"] * 3, skips=((0, 2), (0, 3), (1, 3))) == plain + 3 * 64


@pytest.mark.parametrize(("layers", "ends"), [(3, [1, 2]), (6, [2, 4]), (8, [2, 4]), (12, [4, 8])])
def test_reductions_follow_each_third_and_keep_only_what_is_needed(layers: int, ends: list[int]) -> None:
    built = build_network(architecture(*["max_pool3x3"] * layers, skips=((0, layers),)), 10, Skeleton(channels=4))
    assert isinstance(built, EnasMacroNetwork)
    assert built.alive == {end: [0, end] for end in ends}
    shapes = []
    handles = [
        layer.register_forward_hook(lambda module, inputs, output: shapes.append(tuple(output.shape[1:]))) for layer in built.layers
    ]
    built.eval()(torch.zeros(1, 3, 16, 16))
    assert len(handles) == layers
    assert shapes == [
        (4 * 2**stage, 16 // 2**stage, 16 // 2**stage) for stage in (sum(end <= place for end in ends) for place in range(layers))
    ]


@pytest.mark.parametrize("size", [1, 5, 8])
def test_a_reduction_sees_even_and_odd_pixels(size: int) -> None:
    reduction = FactorizedReduction(1).eval()
    nn.init.ones_(reduction.even.weight)
    nn.init.ones_(reduction.odd.weight)
    images = torch.arange(size * size, dtype=torch.float32).reshape(1, 1, size, size)
    half = (size + 1) // 2
    expected = torch.zeros(1, 2, half, half)
    expected[0, 0] = images[0, 0, ::2, ::2]
    odd = images[0, 0, 1::2, 1::2]
    expected[0, 1, : odd.shape[0], : odd.shape[1]] = odd
    torch.testing.assert_close(reduction(images), expected, rtol=1e-4, atol=1e-4)


def test_a_skeleton_that_does_not_fit_is_refused() -> None:
    member = EnasMacro().parse_native([[0]])
    with pytest.raises(ValueError, match="expected at most 1 stacks, one for each layer, got 3"):
        build_network(member, 10)
    with pytest.raises(ValueError, match="expected cells_per_stack 1, got 2"):
        build_network(member, 10, Skeleton(channels=4, stacks=1, cells_per_stack=2))
