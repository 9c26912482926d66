"""Groups of rows: exactly the rows that are equal so far, whoever leads them."""

import torch
from torch import Tensor

from models.svge.config import SVGeConfig
from models.svge.prefixes import Groups, group_latents, split_groups
from models.svge.sampling import FreeRule, sample_graphs
from tests.models.svge.small import small_model


def partition(groups: Groups) -> set[frozenset[int]]:
    """The groups as sets of rows; every leader must lead the group it stands for."""
    assert groups.of_row[groups.leaders].tolist() == list(range(len(groups.leaders)))
    return {frozenset((groups.of_row == group).nonzero().squeeze(1).tolist()) for group in range(len(groups.leaders))}


def test_neighbouring_equal_latents_are_one_group() -> None:
    latent = torch.tensor([[0.0, 1.0], [0.0, 1.0], [2.0, 1.0], [0.0, 1.0], [0.0, 1.5]])
    assert partition(group_latents(latent)) == {frozenset({0, 1}), frozenset({2}), frozenset({3}), frozenset({4})}
    assert partition(group_latents(latent[:0])) == set()


def test_groups_are_parted_by_what_their_rows_chose() -> None:
    groups = split_groups(group_latents(torch.zeros(6, 2)), torch.tensor([3, 3, 1, 3, 1, 3]))
    assert partition(groups) == {frozenset({0, 1, 3, 5}), frozenset({2, 4})}
    edges = torch.tensor([[1, 0], [1, 1], [1, 0], [1, 0], [1, 0], [1, 0]], dtype=torch.bool)
    assert partition(split_groups(groups, edges)) == {frozenset({0, 3, 5}), frozenset({1}), frozenset({2, 4})}


def shuffled_together(latent: Tensor, copies: int) -> tuple[Tensor, Tensor]:
    """Copies of each row as neighbours, and as far apart as they can be."""
    return latent.repeat_interleave(copies, dim=0), latent.repeat(copies, 1)


def test_a_shared_prefix_changes_no_sample() -> None:
    """Rows draw their own noise: equal latents beside each other decode as they would alone, row by row."""
    model = small_model("nasbench101", config=SVGeConfig(node_size=16, message_size=16, hidden_size=16, latent_size=4))
    latent = 2.0 * torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    neighbours, apart = shuffled_together(latent, 30)
    with torch.inference_mode():
        # Without neighbours no rows are grouped at first; a tiny shift keeps neighbours apart too, and their noise is the same.
        shifted = neighbours + 1e-6 * torch.randn(neighbours.shape, generator=torch.Generator().manual_seed(1))
        grouped, alone = (
            sample_graphs(model.decoder, rows, FreeRule(7), torch.Generator().manual_seed(2)) for rows in (neighbours, shifted)
        )
        greedy = sample_graphs(model.decoder, neighbours, FreeRule(7)), sample_graphs(model.decoder, apart, FreeRule(7))
    same = (grouped.types == alone.types).all(dim=1) & (grouped.adjacency == alone.adjacency).flatten(1).all(dim=1)
    assert same.float().mean() > 0.99
    assert len(grouped.adjacency.flatten(1).unique(dim=0)) > 50
    assert torch.equal(greedy[0].adjacency[::30], greedy[1].adjacency[:6])
