"""NAS-Bench-101: rules and their pointers, pruning, uniform sampling, the matrix form, and the published sample."""

import csv
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from scipy.stats import chisquare

from models.architectures.architecture import Architecture, InvalidArchitecture
from models.spaces.nasbench101 import NasBench101
from models.spaces.nasbench101_cells import encode_cell, load_codes
from models.spaces.space import nodes_on_paths
from tests.strategies import labelled_dags

SPACE = NasBench101()
DIAMOND = {
    "matrix": [[0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]],
    "ops": ["input", "conv1x1-bn-relu", "conv3x3-bn-relu", "output"],
}


def cell(*labels: str, edges: list[tuple[int, int]]) -> Architecture:
    return Architecture("nasbench101", ("input", *labels, "output"), tuple(edges))


def pointers(architecture: Architecture) -> list[str]:
    with pytest.raises(InvalidArchitecture) as caught:
        SPACE.validate(architecture)
    return [fault.pointer for fault in caught.value.faults]


def test_each_broken_rule_is_named() -> None:
    chain = [(node, node + 1) for node in range(7)]
    assert pointers(cell(*["conv1x1"] * 6, edges=chain)) == ["/nodes"]
    full = [(source, target) for target in range(5) for source in range(target)]
    assert pointers(cell(*["conv1x1"] * 3, edges=full)) == ["/edges"]
    assert pointers(cell("conv1x1", "conv1x1", edges=[(0, 1), (1, 3), (0, 2)])) == ["/nodes/2"]
    assert pointers(cell("conv1x1", "conv1x1", edges=[(0, 1), (1, 3), (2, 3)])) == ["/nodes/2"]
    assert pointers(cell("conv1x1", edges=[])) == ["/nodes/0", "/nodes/1", "/nodes/2"]
    assert pointers(cell("conv5x5", edges=[(0, 1), (1, 2)])) == ["/nodes/1"]
    several = cell("conv5x5", *["conv1x1"] * 6, edges=[*chain, (0, 2), (0, 3), (0, 4), (0, 8)])
    assert pointers(several) == ["/nodes/1", "/nodes", "/edges", *[f"/nodes/{node}" for node in range(1, 8)]]


@given(labelled_dags(labels=("conv1x1", "maxpool3x3"), space="nasbench101"))
def test_pruning_keeps_exactly_the_useful_nodes_and_all_paths(architecture: Architecture) -> None:
    useful = sorted(nodes_on_paths(architecture))
    if not useful:
        with pytest.raises(InvalidArchitecture, match="no path leads from the input to the output"):
            SPACE.prune(architecture)
        return
    pruned = SPACE.prune(architecture)
    assert pruned.nodes == tuple(architecture.nodes[node] for node in useful)
    assert {(useful[source], useful[target]) for source, target in pruned.edges} == {
        edge for edge in architecture.edges if set(edge) <= set(useful)
    }
    assert SPACE.prune(pruned) == pruned


def test_samples_are_uniform_over_cells() -> None:
    rng = np.random.default_rng(11)
    count = 6000
    positions = np.searchsorted(load_codes(), [encode_cell(SPACE.sample(rng)) for _ in range(count)])
    observed = np.bincount(positions * 40 // len(load_codes()), minlength=40)
    assert chisquare(observed).pvalue > 1e-3
    few = (1 + 6 + 84 + 2_441 + 62_010) / 423_624
    smaller = int(np.sum(load_codes()[positions] >> 29 == 0))
    assert chisquare([smaller, count - smaller], [few * count, (1 - few) * count]).pvalue > 1e-3


def test_a_chain_can_grow_and_shrink() -> None:
    chain = cell("conv1x1", "conv3x3", edges=[(0, 1), (1, 2), (2, 3)])
    sizes = Counter(neighbour.num_nodes for neighbour in SPACE.neighbours(chain))
    assert sizes[3] == 2
    assert sizes[5] > 0
    assert cell("conv3x3", edges=[(0, 1), (1, 2)]) in SPACE.neighbours(chain)


def test_the_matrix_form_of_a_diamond() -> None:
    parsed = SPACE.parse_native(DIAMOND)
    assert sorted(parsed.nodes[1:3]) == ["conv1x1", "conv3x3"]
    assert parsed.edges == ((0, 1), (0, 2), (1, 3), (2, 3))
    assert SPACE.parse_native(SPACE.format_native(parsed)) == parsed


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        (None, ""),
        ([], ""),
        ({"matrix": []}, ""),
        ({**DIAMOND, "hash": "x"}, ""),
        ({**DIAMOND, "ops": "conv"}, "/ops"),
        ({**DIAMOND, "ops": ["input", ["conv1x1-bn-relu"], "conv3x3-bn-relu", "output"]}, "/ops"),
        ({**DIAMOND, "ops": ["input", "conv7x7", "conv3x3-bn-relu", "output"]}, "/ops"),
        ({**DIAMOND, "ops": ["input", "output"]}, "/matrix"),
        ({**DIAMOND, "matrix": [[0, 1, 1, 2], *DIAMOND["matrix"][1:]]}, "/matrix"),
        ({**DIAMOND, "matrix": [[0, 1, 1], *DIAMOND["matrix"][1:]]}, "/matrix"),
        ({**DIAMOND, "matrix": [[0, 0, 0, 0]] * 4}, "/edges"),
        ({"matrix": [], "ops": []}, "/nodes"),
    ],
)
def test_malformed_matrix_forms_are_named(value: Any, pointer: str) -> None:
    with pytest.raises(InvalidArchitecture) as caught:
        SPACE.parse_native(value)
    assert [fault.pointer for fault in caught.value.faults] == [pointer]


def test_the_published_sample_parses_into_the_table(shared_data: Callable[[str], Path]) -> None:
    with shared_data("nasbench101_sample.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    cells = [SPACE.parse_native({"matrix": json.loads(row["matrix"]), "ops": json.loads(row["ops"])}) for row in rows]
    assert len(rows) == 250
    assert np.isin([encode_cell(cell) for cell in cells], load_codes()).all()
    assert all(SPACE.parse_native(SPACE.format_native(cell)) == cell for cell in cells)
