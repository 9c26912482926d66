"""Rows of a decoding batch that have grown the same graph from the same latent: they are computed once, as one group."""

from typing import NamedTuple

import torch
from torch import Tensor


class Groups(NamedTuple):
    """`of_row`: the group of each row of the batch, `b`; `leaders`: one row of each group, in the order of the groups."""

    of_row: Tensor
    leaders: Tensor


def group_latents(latent: Tensor) -> Groups:
    """Runs of equal rows of `latent` (`b x latent_size`), as repeated sampling asks for them, are a group each."""
    first = torch.ones(len(latent), dtype=torch.bool, device=latent.device)
    first[1:] = (latent[1:] != latent[:-1]).any(dim=1)
    return Groups(first.cumsum(0) - 1, first.nonzero().squeeze(1))


def split_groups(groups: Groups, choices: Tensor) -> Groups:
    """The groups parted by what their rows chose. `choices`: `b`, or `b x t` with a choice a column."""
    rows = torch.arange(len(choices), device=choices.device)
    if len(groups.leaders) == len(rows):
        return groups
    keys = torch.cat([groups.of_row.unsqueeze(1), choices.reshape(len(rows), -1).long()], dim=1)
    distinct, of_row = torch.unique(keys, dim=0, return_inverse=True)
    leaders = rows.new_full((len(distinct),), len(rows)).scatter_reduce(0, of_row, rows, "amin")
    return Groups(of_row, leaders)
