"""The sums over neighbours: both ways of taking them against a loop over the edges, their gradients, no matter in which order."""

from itertools import permutations

import pytest
import torch
from torch import Tensor

from models.svge.neighbour_sum import sum_hidden_messages


def random_dag(batch: int, nodes: int, generator: torch.Generator) -> Tensor:
    return (torch.rand(batch, nodes, nodes, generator=generator) < 0.5).triu(1)


def by_edges(ends: Tensor, adjacency: Tensor) -> Tensor:
    """Eq. 5's inner sums, edge by edge."""
    size = ends.shape[-1] // 4
    sums = ends.new_zeros(*ends.shape[:2], 2 * size)
    for graph, source, target in adjacency.nonzero().tolist():
        sender, _, _, back_receiver = ends[graph, source].split(size)
        _, receiver, back_sender, _ = ends[graph, target].split(size)
        sums[graph, target, :size] += torch.relu(sender + receiver)
        sums[graph, source, size:] += torch.relu(back_sender + back_receiver)
    return sums


@pytest.mark.parametrize("topological", [True, False])
@pytest.mark.parametrize("nodes", [1, 2, 7])
def test_the_sums_are_those_over_the_edges(nodes: int, topological: bool) -> None:
    generator = torch.Generator().manual_seed(nodes)
    adjacency = random_dag(5, nodes, generator)
    if not topological:
        adjacency = adjacency.flip(1, 2)
    ends = torch.randn(5, nodes, 12, generator=generator, dtype=torch.float64, requires_grad=True)
    found = sum_hidden_messages(ends, adjacency.double())
    torch.testing.assert_close(found, by_edges(ends.detach(), adjacency), atol=1e-12, rtol=0)
    assert torch.autograd.gradcheck(lambda x: sum_hidden_messages(x, adjacency.double()), (ends,))


def test_in_half_precision_both_ways_give_the_same_in_any_order() -> None:
    generator = torch.Generator().manual_seed(0)
    adjacency = random_dag(50, 9, generator).float()
    ends = (3.0 * torch.randn(50, 9, 40, generator=generator)).bfloat16()
    order = torch.randperm(9, generator=generator)
    found = sum_hidden_messages(ends[:, order], adjacency[:, order][:, :, order])
    assert torch.equal(found, sum_hidden_messages(ends, adjacency)[:, order])


def test_a_sum_between_two_numbers_of_half_precision_is_rounded_alike_in_any_order() -> None:
    """The first two make the middle of two such numbers; in single precision the others are lost one by one, but not together."""
    sent = (1.0, 2.0**-8, 1.5 * 2.0**-25, 1.5 * 2.0**-25)
    orders = torch.tensor(list(permutations(sent)))  # one star a row
    ends = torch.zeros(len(orders), 5, 4, dtype=torch.bfloat16)
    ends[:, :4, 0] = orders
    adjacency = torch.zeros(len(orders), 5, 5)
    adjacency[:, :4, 4] = 1.0
    ways = sum_hidden_messages(ends, adjacency)[:, 4, 0], sum_hidden_messages(ends.flip(1), adjacency.flip(1, 2))[:, 0, 0]
    assert len(torch.cat(ways).unique()) == 1


def test_half_precision_has_gradients_of_its_own_kind() -> None:
    generator = torch.Generator().manual_seed(0)
    adjacency = random_dag(5, 6, generator).float()
    ends = torch.randn(5, 6, 16, generator=generator).bfloat16()
    gradients = []
    for precision in (torch.bfloat16, torch.float32):
        leaf = ends.detach().to(precision, copy=True).requires_grad_()
        sum_hidden_messages(leaf, adjacency).float().square().sum().backward()
        assert leaf.grad is not None
        assert leaf.grad.dtype == precision
        gradients.append(leaf.grad.float())
    torch.testing.assert_close(gradients[0], gradients[1], atol=0.1, rtol=0.03)
