"""NAS-Bench-201: the fixed edges, the string, its 15,625 architectures, and the published table."""

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import chisquare

from models.architectures.architecture import Architecture, InvalidArchitecture
from models.architectures.canonical import canonical_id
from models.spaces.nasbench201 import NATIVE_EDGES, NasBench201

SPACE = NasBench201()
TEXT = "|nor_conv_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|none~0|avg_pool_3x3~1|nor_conv_3x3~2|"


def test_the_line_graph_joins_the_edges_that_meet() -> None:
    # the cell's edges are 1: 0->1, 2: 0->2, 3: 1->2, 4: 0->3, 5: 1->3, 6: 2->3
    assert set(NATIVE_EDGES) == {(0, 1), (0, 2), (0, 4), (1, 3), (1, 5), (2, 6), (3, 6), (4, 7), (5, 7), (6, 7)}


def test_the_string_gives_each_operation_its_place() -> None:
    native = Architecture(
        "nasbench201", ("input", "conv3x3", "conv1x1", "skip", "none", "avgpool3x3", "conv3x3", "output"), NATIVE_EDGES
    )
    assert canonical_id(SPACE.parse_native(TEXT)) == canonical_id(native)
    assert SPACE.format_native(native) == TEXT


def test_there_are_15625_architectures_no_two_of_them_isomorphic() -> None:
    architectures = list(SPACE.enumerate())
    assert len({canonical_id(architecture) for architecture in architectures}) == len(architectures) == SPACE.size == 15_625


def test_other_edges_and_sizes_are_refused() -> None:
    labels = ("input", *["none"] * 6, "output")
    with pytest.raises(InvalidArchitecture, match="edges of 'nasbench201' are fixed") as caught:
        SPACE.validate(Architecture("nasbench201", labels, NATIVE_EDGES[:-1]))
    assert [fault.pointer for fault in caught.value.faults] == ["/edges"]
    with pytest.raises(InvalidArchitecture, match="exactly 8 nodes") as caught:
        SPACE.validate(Architecture("nasbench201", ("input", "none", "output"), ((0, 1), (1, 2))))
    assert [fault.pointer for fault in caught.value.faults] == ["/nodes"]


def test_samples_are_uniform_on_each_edge_and_on_pairs_of_edges() -> None:
    rng = np.random.default_rng(3)
    texts = [SPACE.format_native(SPACE.sample(rng)).replace("+", "").strip("|").replace("||", "|").split("|") for _ in range(4000)]
    for place in range(6):
        assert chisquare(list(Counter(text[place] for text in texts).values())).pvalue > 1e-4
    pairs = Counter((text[0], text[5]) for text in texts)
    assert len(pairs) == 25
    assert chisquare(list(pairs.values())).pvalue > 1e-4


def test_there_are_24_neighbours_each_with_one_other_operation() -> None:
    neighbours = SPACE.neighbours(SPACE.parse_native(TEXT))
    assert len(neighbours) == 6 * 4
    for neighbour in neighbours:
        pairs = zip(SPACE.format_native(neighbour).split("~"), TEXT.split("~"), strict=True)
        assert sum(first != second for first, second in pairs) == 1


@pytest.mark.parametrize(
    "value",
    [
        None,
        ["none"] * 6,
        "",
        TEXT[:-1],
        TEXT + "|none~3|",
        TEXT + "trailing",
        TEXT.replace("~2", "~1"),
        TEXT.replace("+", "-"),
        TEXT.replace("none", "nor_conv_7x7"),
        TEXT.replace("none", "conv3x3"),
    ],
)
def test_malformed_strings_are_refused(value: Any) -> None:
    with pytest.raises(InvalidArchitecture, match="expected") as caught:
        SPACE.parse_native(value)
    assert [fault.pointer for fault in caught.value.faults] == [""]


def test_the_published_table_is_the_whole_space(shared_data: Callable[[str], Path]) -> None:
    with shared_data("nasbench201_cifar10_12epochs.csv").open(newline="") as file:
        texts = [row["architecture"] for row in csv.DictReader(file)]
    parsed = [SPACE.parse_native(text) for text in texts]
    assert len(set(parsed)) == len(texts) == SPACE.size
    assert [SPACE.format_native(architecture) for architecture in parsed] == texts
