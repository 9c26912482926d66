"""Triplets are what their names say, and their loss is Eq. 16."""

import numpy as np
import pytest
import torch

from models.architectures.architecture import Architecture
from models.architectures.edit_distance import edit_distance
from models.spaces.registry import get_space
from models.spaces.space import SearchSpace
from models.svge.datasets import sample_distinct
from models.svge.packed_distance import paired_distances
from models.svge.packing import PackedGraphs, pack, unpack_one
from models.svge.triplets import MAX_NEAR, MIN_FAR, find_positives, triplet_loss, triplet_objective
from tests.models.svge.small import small_model


def ignore(done: int) -> None:
    pass


def sampled(space: SearchSpace, count: int) -> list[Architecture]:
    return sample_distinct(space, count, np.random.default_rng(0))


def unpacked(graphs: PackedGraphs, space: SearchSpace) -> list[Architecture]:
    found = []
    for types, adjacency, size in zip(
        graphs.types.tolist(), graphs.adjacency.tolist(), graphs.mask.sum(1).int().tolist(), strict=True
    ):
        labels, edges = unpack_one(types[:size], [row[:size] for row in adjacency[:size]], space.vocabulary)
        found.append(Architecture(space.name, tuple(labels), tuple(edges)))
    return found


@pytest.mark.parametrize(("name", "count"), [("nasbench101", 400), ("nasbench201", 3000), ("enas_macro", 150)])
def test_positives_are_valid_near_and_not_the_anchor(name: str, count: int) -> None:
    space = get_space(name)
    anchors = sampled(space, count)
    source = find_positives(anchors, [], space, 0, ignore)
    positives = unpacked(source.positives, space)
    assert float(source.complete.float().mean()) > 0.95
    for anchor, positive, complete in zip(anchors[:150], positives, source.complete.tolist(), strict=False):
        space.validate(positive)
        if complete:
            assert 0 < edit_distance(anchor, positive) <= MAX_NEAR


def test_a_dense_space_gives_positives_from_the_training_graphs() -> None:
    space = get_space("nasbench201")
    anchors = sampled(space, 3000)
    positives = unpacked(find_positives(anchors, [], space, 0, ignore).positives, space)
    assert np.mean([positive in set(anchors) for positive in positives[:300]]) > 0.9


def test_a_held_out_architecture_is_no_positive() -> None:
    space = get_space("enas_macro")
    anchors = sampled(space, 20)
    held_out = [neighbour for anchor in anchors for neighbour in space.neighbours(anchor)]
    source = find_positives(anchors, held_out, space, 0, ignore)
    assert not any(positive in set(held_out) for positive in unpacked(source.positives, space))
    assert not source.complete.any()


def test_negatives_are_far_and_change_with_the_step() -> None:
    space = get_space("nasbench101")
    anchors = sampled(space, 300)
    source = find_positives(anchors, [], space, 0, ignore)
    rows = torch.arange(0, 300, 3)
    first, again, second = source.select(rows, 0), source.select(rows, 0), source.select(rows, 1)
    distances = paired_distances(source.graphs.select(rows), first.negatives)
    assert torch.equal(first.complete, source.complete[rows] & (distances >= MIN_FAR))
    assert float(first.complete.float().mean()) > 0.8
    assert torch.equal(first.negatives.types, again.negatives.types)
    assert unpacked(first.negatives, space) != unpacked(second.negatives, space)


def test_the_loss_by_hand() -> None:
    anchor, positive, negative = torch.tensor([[0.0, 0.0]]), torch.tensor([[1.0, 1.0]]), torch.tensor([[0.0, 1.0]])
    assert triplet_loss(anchor, positive, negative, 0.5).tolist() == [1.5]
    assert triplet_loss(anchor, negative, positive, 0.5).tolist() == [0.0]


@torch.no_grad()
def test_incomplete_triplets_count_nothing_and_the_anchors_keep_their_losses() -> None:
    space = get_space("enas_macro")
    model = small_model("enas_macro")
    source = find_positives(sampled(space, 40), [], space, 0, ignore)
    triplets = source.select(torch.arange(40), 0)
    losses, loss = triplet_objective(model, source.graphs, triplets, 5.0, torch.Generator().manual_seed(0))
    none = type(triplets)(triplets.positives, triplets.negatives, torch.zeros(40, dtype=torch.bool))
    _, nothing = triplet_objective(model, source.graphs, none, 5.0, torch.Generator().manual_seed(0))
    alone = model(source.graphs, torch.Generator().manual_seed(0))
    assert float(loss) > 0.0
    assert float(nothing) == 0.0
    torch.testing.assert_close(torch.stack([*losses]), torch.stack([*alone]))


def test_select_pads_as_pack_does() -> None:
    space = get_space("nasbench101")
    anchors = sampled(space, 30)
    source = find_positives(anchors, [], space, 0, ignore)
    assert torch.equal(source.graphs.types, pack(anchors, space.vocabulary).types)
