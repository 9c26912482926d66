"""NAS-Bench-201 networks: published sizes, and the cell against the published cell of edges between summing nodes."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.architectures.architecture import Architecture, from_graph
from models.networks.build import build_network
from models.networks.counts import count_multiply_adds, count_parameters
from models.networks.nasbench201 import Cell
from models.spaces.nasbench201 import CELL_EDGES, NATIVE_EDGES, OPERATIONS, NasBench201
from tests.strategies import members, relabellings


@pytest.mark.parametrize(
    ("operation", "parameters", "megaflops"),
    # the largest and the smallest network of the benchmark, as it publishes them
    [("nor_conv_3x3", 1.531546, 220.11969), ("none", 0.073306, 7.78305), ("skip_connect", 0.073306, 7.78305)],
)
def test_the_sizes_are_the_published_ones(operation: str, parameters: float, megaflops: float) -> None:
    text = f"|{operation}~0|+|{operation}~0|{operation}~1|+|{operation}~0|{operation}~1|{operation}~2|"
    network = build_network(NasBench201().parse_native(text), num_classes=10)
    assert count_parameters(network) / 1e6 == parameters
    dense_biases = 10  # the benchmark counts each as an operation
    assert (count_multiply_adds(network, (3, 32, 32)) + dense_biases) / 1e6 == megaflops


@settings(max_examples=25)
@given(st.lists(st.sampled_from(OPERATIONS), min_size=6, max_size=6))
def test_the_line_graph_computes_the_published_cell(labels: list[str]) -> None:
    built = Cell(Architecture("nasbench201", ("input", *labels, "output"), NATIVE_EDGES), 4).eval()
    images = torch.randn(2, 4, 5, 5, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        sums = [images, *(torch.zeros_like(images) for _ in range(3))]
        for (source, target), operation in zip(CELL_EDGES, built.operations, strict=True):
            sums[target] = sums[target] + operation(sums[source])
        torch.testing.assert_close(built(images), sums[3])


@settings(max_examples=15)
@given(st.data())
def test_the_order_of_the_nodes_does_not_change_the_size(data: st.DataObject) -> None:
    architecture = data.draw(members(NasBench201()))
    relabelled = from_graph("nasbench201", *data.draw(relabellings(architecture)))
    with torch.device("meta"):
        assert count_parameters(build_network(relabelled, 10)) == count_parameters(build_network(architecture, 10))


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("none", torch.zeros(3, 3)),
        ("skip", torch.arange(9.0).reshape(3, 3)),
        # the mean over the pixels that exist: four in the corners, six at the sides
        ("avgpool3x3", torch.tensor([[2.0, 2.5, 3.0], [3.5, 4.0, 4.5], [5.0, 5.5, 6.0]])),
    ],
)
def test_operations_without_weights_by_hand(label: str, expected: torch.Tensor) -> None:
    # only the edge from the input straight to the output carries anything
    labels = ("none", "none", "none", label, "none", "none")
    built = Cell(Architecture("nasbench201", ("input", *labels, "output"), NATIVE_EDGES), 1)
    torch.testing.assert_close(built(torch.arange(9.0).reshape(1, 1, 3, 3)), expected[None, None])


def test_convolutions_come_after_a_relu() -> None:
    labels = ("none", "none", "none", "conv3x3", "none", "none")
    built = Cell(Architecture("nasbench201", ("input", *labels, "output"), NATIVE_EDGES), 2).eval()
    images = -torch.rand(1, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(built(images), torch.zeros(1, 2, 4, 4))
