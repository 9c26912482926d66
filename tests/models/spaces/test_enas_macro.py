"""ENAS macro: the chain and the skips, the list form, uniform sampling, and the published structures."""

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
from models.architectures.canonical import canonicalise
from models.spaces.enas_macro import EnasMacro
from models.spaces.space import SpaceTooLarge
from tests.strategies import members

SPACE = EnasMacro()
ROWS = [[1], [4, 0], [5, 0, 1], [0, 1, 1, 1], [2, 1, 1, 1, 1], [3, 0, 0, 0, 0, 1]]


def test_the_size_is_the_number_of_choices() -> None:
    assert SPACE.size == 2**15 * 6**6
    assert EnasMacro(num_layers=12).size == 2**66 * 6**12
    assert EnasMacro(num_layers=1).size == 6


def test_bits_are_skips_from_earlier_nodes_to_the_layer() -> None:
    parsed = SPACE.parse_native(ROWS)
    operations = ("sep_conv3x3", "avg_pool3x3", "max_pool3x3", "conv3x3", "conv5x5", "sep_conv5x5")
    assert parsed.nodes == ("input", *operations, "output")
    chain = {(node, node + 1) for node in range(7)}
    assert set(parsed.edges) - chain == {(1, 3), (0, 4), (1, 4), (2, 4), (0, 5), (1, 5), (2, 5), (3, 5), (4, 6)}
    assert SPACE.parse_native(json.dumps(ROWS)) == parsed
    assert SPACE.format_native(parsed) == ROWS


def test_the_chain_and_the_output_are_fixed() -> None:
    nodes = ("input", *["conv3x3"] * 6, "output")
    chain = [(node, node + 1) for node in range(7)]
    with pytest.raises(InvalidArchitecture, match=r"chain edge \(3, 4\) is missing") as caught:
        SPACE.validate(Architecture("enas_macro", nodes, (*(edge for edge in chain if edge != (3, 4)), (2, 4))))
    assert [fault.pointer for fault in caught.value.faults] == ["/edges"]
    with pytest.raises(InvalidArchitecture, match=r"edge \(2, 7\) enters the output") as caught:
        SPACE.validate(Architecture("enas_macro", nodes, (*chain, (2, 7))))
    assert [fault.pointer for fault in caught.value.faults] == ["/edges/3"]
    with pytest.raises(InvalidArchitecture, match="exactly 8 nodes") as caught:
        SPACE.validate(Architecture("enas_macro", ("input", "conv3x3", "output"), ((0, 1), (1, 2))))
    assert [fault.pointer for fault in caught.value.faults] == ["/nodes"]


@given(members(SPACE))
def test_the_order_of_the_chain_is_the_canonical_one(architecture: Architecture) -> None:
    assert canonicalise(architecture) is architecture


def test_samples_are_uniform_over_a_tiny_space() -> None:
    space, rng = EnasMacro(num_layers=2), np.random.default_rng(8)
    observed = Counter(space.sample(rng) for _ in range(72 * 60))
    assert observed.keys() == set(space.enumerate())
    assert chisquare(list(observed.values())).pvalue > 1e-3


def test_neighbours_change_one_operation_or_one_skip() -> None:
    member = SPACE.parse_native(ROWS)
    neighbours = SPACE.neighbours(member)
    assert len(neighbours) == 6 * 5 + 15
    changes = Counter(
        (sum(a != b for a, b in zip(member.nodes, other.nodes, strict=True)), len(set(member.edges) ^ set(other.edges)))
        for other in neighbours
    )
    assert changes == {(1, 0): 30, (0, 1): 15}
    larger = SPACE.neighbours(member, max_nodes=9)
    assert [other.num_nodes for other in larger] == [8] * 45 + [9] * 6


def test_the_default_space_is_too_large_to_list() -> None:
    with pytest.raises(SpaceTooLarge, match="sample it instead"):
        next(SPACE.enumerate())


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        (None, ""),
        ("[[0]", ""),
        ("[" * 100_000, ""),
        ({"0": [1]}, ""),
        ([[0], 3], "/1"),
        ([[0], [1]], "/1"),
        ([[0], [1, 0, 0]], "/1"),
        ([[0], [1, 2]], "/1"),
        ([[0], [1, True]], "/1"),
        ([[0], [6, 0]], "/1/0"),
        ([[-1]], "/0/0"),
        ([["conv3x3"]], "/0"),
    ],
)
def test_malformed_lists_are_named(value: Any, pointer: str) -> None:
    with pytest.raises(InvalidArchitecture) as caught:
        SPACE.parse_native(value)
    assert [fault.pointer for fault in caught.value.faults] == [pointer]


def test_the_published_structures_round_trip(shared_data: Callable[[str], Path]) -> None:
    with shared_data("enas_macro_6layers.csv").open(newline="") as file:
        structures = [json.loads(row["structure"]) for row in csv.DictReader(file)]
    assert len(structures) == 20_020
    parsed = [SPACE.parse_native(structure) for structure in structures]
    for architecture in parsed:
        SPACE.validate(architecture)
    assert [SPACE.format_native(architecture) for architecture in parsed] == structures
