"""Whether isomorphic graphs get equal latents and others different ones (Section 3.4)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.architectures.architecture import Architecture
from models.autoencoders.autoencoder import BATCH_SIZE, GraphAutoencoder
from models.evaluation.progress import Report, silent
from models.spaces.space import SearchSpace
from models.svge.datasets import sample_distinct
from models.svge.packing import pack
from models.svge.packing_order import permuted, random_orders

_ROWS_AT_ONCE = 1024
_COLUMNS_AT_ONCE = 65_536
_CANDIDATES = 4


@dataclass(frozen=True)
class ClosestPair:
    """The two architectures whose latents lie nearest, and the Euclidean distance of these."""

    distance: float
    first: Architecture
    second: Architecture


def gather(space: SearchSpace, count: int, seed: int) -> list[Architecture]:
    """All architectures of a space of at most `count` that can be listed, else up to `count` distinct samples."""
    if space.size is not None and space.size <= count:
        return list(space.enumerate())
    return sample_distinct(space, count, np.random.default_rng(seed))


@torch.inference_mode()
def largest_relabelling_difference(autoencoder: GraphAutoencoder, architectures: Sequence[Architecture], seed: int) -> float:
    """The largest absolute difference, over all latent dimensions, that a random relabelling makes to a posterior mean.

    Each architecture is encoded in its own order and with its nodes in another random topological order. Models that read nodes
    in any order are given any order, the input and the output anywhere.
    """
    generator = torch.Generator().manual_seed(seed)
    device = next(autoencoder.model.parameters()).device
    largest = 0.0
    for start in range(0, len(architectures), BATCH_SIZE):
        graphs = pack(architectures[start : start + BATCH_SIZE], autoencoder.space.vocabulary)
        orders = random_orders(graphs, generator, topological=not autoencoder.model.reads_any_order)
        means = [autoencoder.model.encode(one.to(device)).mean for one in (graphs, permuted(graphs, orders))]
        largest = max(largest, float((means[0] - means[1]).abs().max()))
    return largest


def closest_pair(architectures: Sequence[Architecture], latents: Tensor, report: Report = silent) -> ClosestPair:
    """The nearest two of `n` latents, `n x d`, one for each architecture.

    Products in single precision find a few candidates for each row; their distances are then taken in double precision. Raises
    `ValueError` for fewer than two.
    """
    if len(latents) < 2:
        raise ValueError(f"expected at least two architectures to compare, got {len(latents)}; the closest two need more")
    squares = latents.square().sum(dim=1)
    best = (float("inf"), 0, 0)
    for start in range(0, len(latents), _ROWS_AT_ONCE):
        rows = torch.arange(start, min(start + _ROWS_AT_ONCE, len(latents)))
        candidates = _nearest(latents, squares, rows)
        distances = (latents[rows, None].double() - latents[candidates].double()).norm(dim=-1)
        place = int(distances.argmin())
        row, column = divmod(place, candidates.shape[1])
        best = min(best, (float(distances.flatten()[place]), int(rows[row]), int(candidates[row, column])))
        report("comparing latents", int(rows[-1]) + 1, len(latents))
    return ClosestPair(best[0], architectures[best[1]], architectures[best[2]])


def _nearest(latents: Tensor, squares: Tensor, rows: Tensor) -> Tensor:
    """About the nearest others of each row: `m x k`."""
    values, places = [], []
    for start in range(0, len(latents), _COLUMNS_AT_ONCE):
        block = latents[start : start + _COLUMNS_AT_ONCE]
        closeness = torch.addmm(-squares[start : start + _COLUMNS_AT_ONCE], latents[rows], block.T, alpha=2.0)
        own = rows - start
        inside = (own >= 0) & (own < len(block))
        closeness[inside.nonzero().squeeze(1), own[inside]] = -torch.inf
        value, place = closeness.topk(min(_CANDIDATES, len(block)), dim=1)
        values.append(value)
        places.append(place + start)
    best = torch.cat(values, dim=1).topk(min(_CANDIDATES, len(latents) - 1), dim=1).indices
    return torch.cat(places, dim=1).gather(1, best)
