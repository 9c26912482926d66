"""The initial design: architectures spread over the latent space before there is anything to fit."""

import torch
from torch import Tensor

from models.architectures.architecture import Architecture
from models.search.state import SearchState

POOL_SIZE = 2048
"""The design is chosen among so many random members of the pool, so that studies with different seeds start differently."""

_PURPOSE = 1


def space_filling(state: SearchState, count: int) -> list[Architecture]:
    """At most `count` unseen architectures of the pool, far from each other and from all trials."""
    unseen = torch.tensor(state.unseen_pool(), dtype=torch.long)
    order = torch.from_numpy(state.rng(_PURPOSE).permutation(len(unseen)))
    drawn = unseen[order[:POOL_SIZE]]
    chosen = farthest_points(state.pool.points[drawn], torch.cat([state.observed, state.pending]), count)
    return [state.pool.architectures[place] for place in drawn[chosen].tolist()]


def farthest_points(points: Tensor, anchors: Tensor, count: int) -> Tensor:
    """The indices of at most `count` of the `n x d` points, each the farthest from the anchors (`a x d`) and from those before.

    Without anchors the first point is the first index. Gonzalez, "Clustering to minimize the maximum intercluster distance" (1985).
    """
    count = min(count, len(points))
    if count == 0:
        return torch.zeros(0, dtype=torch.long)
    first = 0 if len(anchors) == 0 else int(_nearest(points, anchors).argmax())
    distance = torch.minimum(_nearest(points, anchors), _nearest(points, points[first : first + 1]))  # n
    distance[first] = -1.0
    chosen = [first]
    while len(chosen) < count:
        farthest = int(distance.argmax())
        distance = torch.minimum(distance, _nearest(points, points[farthest : farthest + 1]))
        distance[farthest] = -1.0
        chosen.append(farthest)
    return torch.tensor(chosen, dtype=torch.long)


def _nearest(points: Tensor, anchors: Tensor) -> Tensor:
    if len(anchors) == 0:
        return points.new_full((len(points),), torch.inf)
    return torch.stack([torch.cdist(points, part).amin(1) for part in torch.split(anchors, 1024)]).amin(0)
