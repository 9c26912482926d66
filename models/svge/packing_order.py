"""Packed graphs with their nodes in another order: what a model of graphs must not notice."""

import torch
from torch import Tensor

from models.svge.packing import PackedGraphs


def random_orders(graphs: PackedGraphs, generator: torch.Generator, topological: bool) -> Tensor:
    """For each graph a random order of its nodes, padding last: `b x n`, the old place of the node at each new one.

    With `topological` every edge still leads from an earlier to a later node.
    """
    priority = torch.rand(graphs.types.shape, generator=generator)
    is_padding = ~graphs.mask.bool()
    if not topological:
        return priority.masked_fill(is_padding, torch.inf).argsort(dim=1)
    done, place = torch.zeros_like(is_padding), torch.arange(is_padding.shape[1])
    places = []
    for _ in place:
        blocked = (graphs.adjacency.bool() & ~done.unsqueeze(2)).any(dim=1)
        score = torch.where(blocked, 1.0, priority)
        score = torch.where(is_padding, 2.0 + place, score).masked_fill(done, torch.inf)
        chosen = score.argmin(dim=1, keepdim=True)
        done = done.scatter(1, chosen, True)
        places.append(chosen)
    return torch.cat(places, dim=1)


def permuted(graphs: PackedGraphs, orders: Tensor) -> PackedGraphs:
    """The same graphs with the node at place `orders[g, i]` (`b x n`) moved to place `i`."""
    size = orders.shape[1]
    rows = graphs.adjacency.gather(1, orders.unsqueeze(2).expand(-1, -1, size))
    adjacency = rows.gather(2, orders.unsqueeze(1).expand(-1, size, -1))
    return PackedGraphs(graphs.types.gather(1, orders), adjacency, graphs.mask.gather(1, orders))
