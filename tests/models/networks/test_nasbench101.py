"""NAS-Bench-101 networks: the published parameter counts, the widths of vertices, and a cell computed by hand."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.architectures.architecture import Architecture, from_graph
from models.networks.build import build_network
from models.networks.counts import count_parameters
from models.networks.nasbench101 import Cell
from models.networks.vertex_channels import vertex_channels
from models.spaces.nasbench101 import NasBench101
from tests.strategies import members

LABEL_OF = {
    "conv1x1-bn-relu": "conv1x1",
    "conv3x3-bn-relu": "conv3x3",
    "maxpool3x3": "maxpool3x3",
    "input": "input",
    "output": "output",
}


def cell(*labels: str, edges: list[tuple[int, int]]) -> Architecture:
    return Architecture("nasbench101", ("input", *labels, "output"), tuple(edges))


def test_the_parameters_are_the_published_ones_on_every_row(shared_data: Callable[[str], Path]) -> None:
    with shared_data("nasbench101_sample.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 250
    for row in rows:
        edges = [(u, v) for u, bits in enumerate(json.loads(row["matrix"])) for v, bit in enumerate(bits) if bit]
        published_order = from_graph("nasbench101", [LABEL_OF[op] for op in json.loads(row["ops"])], edges)
        with torch.device("meta"):
            network = build_network(NasBench101().prune(published_order), num_classes=10)
        assert f"{count_parameters(network) / 1e6:.6f}" == row["params_millions"]


@given(members(NasBench101()), st.integers(8, 40), st.integers(8, 40))
def test_widths_fill_the_output_and_never_grow_along_an_edge(architecture: Architecture, before: int, after: int) -> None:
    channels = vertex_channels(architecture, before, after)
    last = architecture.num_nodes - 1
    feeding = [channels[node] for node in architecture.predecessors(last) if node]
    assert (channels[0], channels[last]) == (before, after)
    if feeding:
        assert sum(feeding) == after
        assert max(feeding) - min(feeding) <= 1
    for source, target in architecture.edges:
        if 0 < source and target < last:
            assert channels[source] >= channels[target] > 0


def test_widths_by_hand() -> None:
    three = cell("conv1x1", "conv1x1", "conv1x1", "conv1x1", edges=[(0, 1), (1, 2), (1, 3), (1, 4), (2, 5), (3, 5), (4, 5)])
    assert vertex_channels(three, 16, 32) == [16, 11, 11, 11, 10, 32]
    assert vertex_channels(cell(edges=[(0, 1)]), 16, 32) == [16, 32]


def test_a_narrow_output_is_refused() -> None:
    wide = cell("conv1x1", "conv1x1", "conv1x1", edges=[(0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4)])
    with pytest.raises(ValueError, match="at least 3 channels, one for each node that feeds the output, got 2"):
        vertex_channels(wide, 2, 2)


def test_a_cell_computes_what_the_paper_says() -> None:
    # node 1 is 3 wide (first of the output's two feeders), node 2 is 2 wide and sees node 1 cut to 2 and the projected input
    architecture = cell("maxpool3x3", "maxpool3x3", edges=[(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)])
    built = Cell(architecture, 4, 5).eval()
    images = torch.randn(2, 4, 6, 6, generator=torch.Generator().manual_seed(0))
    pool = torch.nn.functional.max_pool2d
    with torch.no_grad():
        first = pool(built.projections["1"](images), 3, 1, 1)
        second = pool(first[:, :2] + built.projections["2"](images), 3, 1, 1)
        expected = torch.cat([first, second], dim=1) + built.projections["3"](images)
        torch.testing.assert_close(built(images), expected)


def test_a_cell_without_operations_is_the_projected_input() -> None:
    built = Cell(cell(edges=[(0, 1)]), 4, 5).eval()
    images = torch.randn(2, 4, 6, 6, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(built(images), built.projections["1"](images))
    assert count_parameters(built) == 4 * 5 + 2 * 5
