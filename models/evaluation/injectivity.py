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

_ROWS_AT_ONCE = 512
_COLUMNS_AT_ONCE = 2048
_ROUNDING = 1e-5
"""Squared distances below so much of the largest squared length are lost in single precision, and are taken in double."""


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
        with autoencoder.autocast():
            means = [autoencoder.model.encode(one.to(device)).mean for one in (graphs, permuted(graphs, orders))]
        largest = max(largest, float((means[0] - means[1]).abs().max()))
    return largest


def closest_pair(architectures: Sequence[Architecture], latents: Tensor, report: Report = silent) -> ClosestPair:
    """The nearest two of `n` latents, `n x d`, one for each architecture.

    Products in single precision find the nearest of each row in every block of columns, in double precision where they cannot tell;
    the distances of these are then taken in double precision. Raises `ValueError` for fewer than two.
    """
    if len(latents) < 2:
        raise ValueError(f"expected at least two architectures to compare, got {len(latents)}; the closest two need more")
    centred = latents - latents.mean(dim=0)
    halves = centred.square().sum(dim=1) / 2
    best = (float("inf"), 0, 0)
    for start in range(0, len(latents), _ROWS_AT_ONCE):
        rows = torch.arange(start, min(start + _ROWS_AT_ONCE, len(latents)))
        candidates = _nearest(centred, halves, rows)
        distances = (latents[rows, None].double() - latents[candidates].double()).norm(dim=-1)
        distances[candidates == rows[:, None]] = torch.inf
        place = int(distances.argmin())
        row, column = divmod(place, candidates.shape[1])
        best = min(best, (float(distances.flatten()[place]), int(rows[row]), int(candidates[row, column])))
        report("comparing latents", int(rows[-1]) + 1, len(latents))
    return ClosestPair(best[0], architectures[best[1]], architectures[best[2]])


def _nearest(latents: Tensor, halves: Tensor, rows: Tensor) -> Tensor:
    """The nearest to each row in every block of columns from the rows' own on: `m x k`; earlier ones have been compared.

    `halves`: half the squared length of each latent.
    """
    places = []
    indistinct = _ROUNDING * float(halves.max())
    for start in range(int(rows[0]), len(latents), _COLUMNS_AT_ONCE):
        block = latents[start : start + _COLUMNS_AT_ONCE]
        closeness = torch.addmm(-halves[start : start + _COLUMNS_AT_ONCE], latents[rows], block.T)  # m x columns
        if start == int(rows[0]):
            closeness.fill_diagonal_(-torch.inf)
        value, place = closeness.max(dim=1)
        for row in torch.nonzero(halves[rows] - value < indistinct).flatten().tolist():
            distances = (latents[rows[row]].double() - block.double()).norm(dim=1)
            distances[closeness[row] == -torch.inf] = torch.inf
            place[row] = distances.argmin()
        places.append(place + start)
    return torch.stack(places, dim=1)
