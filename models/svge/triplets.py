"""Triplets of an anchor, a similar and a dissimilar graph, and the loss that keeps the similar one nearer (Eqs. 16 and 17)."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.architectures.architecture import Architecture
from models.architectures.edit_distance import edit_distance
from models.spaces.space import SearchSpace
from models.svge.encoder import Posterior
from models.svge.graph_model import GraphModel
from models.svge.objective import Losses, sample_posterior
from models.svge.packed_distance import DistanceTable, paired_distances
from models.svge.packing import PackedGraphs, pack

MAX_NEAR = 2
"""A positive is at most so many edits from its anchor: NAS-Bench-101's d < 3 (Section 4.1), ENAS's d <= 2 (Table 4)."""

MIN_FAR = 5
"""A negative is at least so many edits from its anchor: NAS-Bench-101's d > 4, ENAS's d >= 5."""

_BLOCK = 16_384
"""Positives are looked for among so many others; of NAS-Bench-101's 423,624 cells a block holds several near ones."""

_CHUNK = 512
_STRIDE = 7_368_787


@dataclass(frozen=True, eq=False)
class Triplets:
    """The positive and the negative of each anchor of a batch, and whether both are what their names say (`b`, bool)."""

    positives: PackedGraphs
    negatives: PackedGraphs
    complete: Tensor

    def to(self, device: torch.device) -> "Triplets":
        return Triplets(self.positives.to(device), self.negatives.to(device), self.complete.to(device))


@dataclass(frozen=True, eq=False)
class TripletSource:
    """Training graphs and a positive for each of them; `complete` (`b`, bool) says where there is none."""

    graphs: PackedGraphs
    positives: PackedGraphs
    complete: Tensor

    def select(self, rows: Tensor, step: int) -> Triplets:
        """The triplets of the training graphs at `rows` (`m`). The negatives are other training graphs, others in every step."""
        num_graphs = len(self.graphs.types)
        shift = 1 + step * _STRIDE % max(num_graphs - 1, 1)
        negatives = self.graphs.select((rows + shift) % num_graphs)
        far = paired_distances(self.graphs.select(rows), negatives) >= MIN_FAR
        return Triplets(self.positives.select(rows), negatives, self.complete[rows] & far)


def triplet_objective(
    model: GraphModel, anchors: PackedGraphs, triplets: Triplets, margin: float, generator: torch.Generator | None
) -> tuple[Losses, Tensor]:
    """The losses of the anchors (Eq. 15) and the mean triplet loss (Eq. 16) of one latent sample of each graph.

    Incomplete triplets count 0.
    """

    def sampled(graphs: PackedGraphs) -> tuple[Posterior, Tensor]:
        posterior = Posterior(*(part.float() for part in model.encode(graphs)))
        return posterior, sample_posterior(posterior, model.config.posterior_noise_scale, generator)

    posterior, anchor = sampled(anchors)
    (_, positive), (_, negative) = sampled(triplets.positives), sampled(triplets.negatives)
    loss = triplet_loss(anchor, positive, negative, margin) * triplets.complete
    return model.losses(posterior, anchor, anchors), loss.mean()


def triplet_loss(anchor: Tensor, positive: Tensor, negative: Tensor, margin: float) -> Tensor:
    """`(|anchor - positive|^2 - |anchor - negative|^2 + margin)_+` of latents `b x latent_size` (Eq. 16): `b`."""
    near = (anchor - positive).square().sum(dim=1)
    far = (anchor - negative).square().sum(dim=1)
    return functional.relu(near - far + margin)


def find_positives(
    architectures: Sequence[Architecture],
    excluded: Collection[Architecture],
    space: SearchSpace,
    seed: int,
    report: Callable[[int], None],
) -> TripletSource:
    """A positive for each training architecture: another of them within `MAX_NEAR` edits, drawn from a random block.

    Where the block has none, an architecture of the space one edit away, if that is near in canonical order too and not
    `excluded`, which are the held-out ones. All are canonical. `report` is told how many anchors are done.
    """
    graphs = pack(architectures, space.vocabulary)
    near = _near_graphs(graphs, len(space.vocabulary), seed)
    rng, held_out = np.random.default_rng(seed), frozenset(excluded)
    found, complete = [], []
    for row, (index, anchor) in enumerate(zip(near.tolist(), architectures, strict=True)):
        positive = architectures[index] if index >= 0 else _edited(anchor, held_out, space, rng)
        found.append(positive or anchor)
        complete.append(positive is not None)
        report(row + 1)
    return TripletSource(graphs, pack(found, space.vocabulary), torch.tensor(complete))


def _near_graphs(graphs: PackedGraphs, num_types: int, seed: int) -> Tensor:
    """For each graph the place of another one within `MAX_NEAR` edits, or -1: `b`."""
    generator = torch.Generator().manual_seed(seed)
    table, num_graphs = DistanceTable(graphs, num_types), len(graphs.types)
    places = []
    for rows in torch.split(torch.arange(num_graphs), _CHUNK):
        block = torch.randperm(num_graphs, generator=generator)[:_BLOCK]
        distances = table.between(rows, block)
        near = (distances > 0) & (distances <= MAX_NEAR)
        draw = torch.rand(near.shape, generator=generator) * near
        best, place = draw.max(dim=1)
        places.append(torch.where(best > 0, block[place], -1))
    return torch.cat(places)


def _edited(
    anchor: Architecture, excluded: frozenset[Architecture], space: SearchSpace, rng: np.random.Generator
) -> Architecture | None:
    choices = space.neighbours(anchor)
    shuffled = (choices[int(place)] for place in rng.permutation(len(choices)))
    return next((one for one in shuffled if one not in excluded and edit_distance(anchor, one) <= MAX_NEAR), None)
