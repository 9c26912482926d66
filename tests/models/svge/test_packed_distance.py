"""Distances of packed graphs are those of `edit_distance`, graph by graph."""

import numpy as np
import pytest
import torch

from models.architectures.edit_distance import edit_distance
from models.spaces.registry import get_space
from models.svge.packed_distance import DistanceTable, paired_distances
from models.svge.packing import pack


@pytest.mark.parametrize("name", ["nasbench101", "nasbench201", "enas_macro"])
def test_batches_agree_with_the_distance_of_two_architectures(name: str) -> None:
    space, rng = get_space(name), np.random.default_rng(0)
    first = [space.sample(rng) for _ in range(40)]
    second = [*(space.sample(rng) for _ in range(39)), first[39]]
    expected = torch.tensor([[edit_distance(one, other) for other in second] for one in first])
    packed, other_packed = pack(first, space.vocabulary), pack(second, space.vocabulary)
    assert paired_distances(packed, other_packed).tolist() == expected.diagonal().tolist()
    together = pack([*first, *second], space.vocabulary)
    table = DistanceTable(together, len(space.vocabulary))
    assert torch.equal(table.between(torch.arange(40), torch.arange(40, 80)), expected.float())


def test_padding_changes_nothing() -> None:
    space, rng = get_space("nasbench101"), np.random.default_rng(1)
    cells = sorted((space.sample(rng) for _ in range(200)), key=lambda cell: cell.num_nodes)
    small, large = cells[:5], cells[-5:]
    assert small[-1].num_nodes < large[0].num_nodes
    alone = paired_distances(pack(small, space.vocabulary), pack(large, space.vocabulary))
    assert alone.tolist() == [edit_distance(one, other) for one, other in zip(small, large, strict=True)]
