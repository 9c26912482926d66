import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonicalise
from models.architectures.edit_distance import edit_distance
from models.search.features import MAX_COLUMNS, StructuralFeatures
from models.spaces.custom import CustomSpace
from models.spaces.definition import Definition
from models.spaces.registry import get_space

SPACES = ("nasbench101", "nasbench201", "enas_macro", "enas_micro")


def parts(features: StructuralFeatures, architectures: list[Architecture]) -> dict[str, np.ndarray]:
    columns, found, start = features(architectures), {}, 0
    for block in features.blocks:
        found[block.name] = columns[:, start : start + block.width].reshape(len(architectures), *block.shape)
        start += block.width
    assert start == columns.shape[1]
    return found


@pytest.mark.parametrize("name", SPACES)
@given(st.integers(0, 2**32))
def test_distances_by_place_are_the_edit_distance(name: str, seed: int) -> None:
    space, rng = get_space(name), np.random.default_rng(seed)
    pair = [canonicalise(space.sample(rng)) for _ in range(2)]
    found = parts(StructuralFeatures(space), pair)
    changes = np.square(np.diff(found["labels by place"], axis=0)).sum() / 2.0  # a change moves a one from column to column
    moved = np.square(np.diff(found["edges by place"], axis=0)).sum()
    assert changes + moved == edit_distance(*pair)


@pytest.mark.parametrize("name", SPACES)
@given(st.integers(0, 2**32))
def test_counts_are_those_of_the_graph(name: str, seed: int) -> None:
    space = get_space(name)
    one = canonicalise(space.sample(np.random.default_rng(seed)))
    found = parts(StructuralFeatures(space), [one])
    for index, label in enumerate(space.vocabulary):
        assert found["labels"][0, index] == one.nodes.count(label)
    for (row, source), (column, target) in itertools.product(enumerate(space.vocabulary), repeat=2):
        edges = sum((one.nodes[u], one.nodes[v]) == (source, target) for u, v in one.edges)
        assert found["labels of edges"][0, row, column] == edges


def test_what_is_larger_than_the_trained_space_counts_beyond_its_places() -> None:
    space = get_space("enas_macro")
    rng = np.random.default_rng(0)
    small = canonicalise(space.sample(rng))
    large = max(space.neighbours(small, space.max_nodes + 1), key=lambda one: one.num_nodes)
    assert large.num_nodes == space.max_nodes + 1
    found = parts(StructuralFeatures(space), [small, large])
    assert found["labels"].sum(1).tolist() == [space.max_nodes, space.max_nodes + 1]
    assert found["labels by place"].sum((1, 2)).tolist() == [space.max_nodes] * 2


def test_no_architectures_have_no_rows() -> None:
    features = StructuralFeatures(get_space("nasbench201"))
    assert features([]).shape == (0, sum(block.width for block in features.blocks))


def test_blocks_of_very_large_spaces_are_left_out() -> None:
    space = CustomSpace(Definition("large", tuple(f"op{index}" for index in range(40)), max_nodes=60, max_edges=80))
    features = StructuralFeatures(space)
    assert [block.name for block in features.blocks] == ["labels"]
    assert all(block.width <= MAX_COLUMNS for block in features.blocks)
    one = canonicalise(space.sample(np.random.default_rng(0)))
    assert features([one]).sum() == one.num_nodes
