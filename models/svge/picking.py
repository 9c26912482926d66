"""Choosing edges by their scores, for a whole batch at once. Which edges are allowed and forced is decided in `sampling.py`.

Scores are `b x t`, one for each node that may feed the new one; masks are `b x t`, bool.
"""

import torch
from torch import Tensor


def pick_wanted(scores: Tensor, allowed: Tensor, forced: Tensor) -> Tensor:
    """The forced edges and the allowed ones of positive score, or else the best allowed one: `b x t`, bool.

    At least one edge of each row must be allowed.
    """
    wanted = (allowed & (scores > 0)) | forced
    top = scores.masked_fill(~allowed, -torch.inf).argmax(dim=1, keepdim=True)
    return torch.where(wanted.any(dim=1, keepdim=True), wanted, torch.zeros_like(wanted).scatter(1, top, True))


def pick_best(scores: Tensor, allowed: Tensor, forced: Tensor, count: Tensor) -> Tensor:
    """`count` (`b`) allowed edges, the forced ones first, then those of the highest score: `b x t`, bool.

    Fewer only where fewer are allowed. Every forced edge must be allowed.
    """
    ranked = scores.masked_fill(forced, torch.inf).masked_fill(~allowed, -torch.inf)
    rank = ranked.argsort(dim=1, descending=True).argsort(dim=1)
    return allowed & (rank < count.unsqueeze(1))
