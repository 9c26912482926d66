"""Scores of candidates by the performance predictor on the latent space (Section 4.1 of the paper).

The paper trains it together with the autoencoder. Here the encoder stays as it is, because all proposals of a study share one
checkpoint; joint training is `svge evaluate prediction`.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from models.svge.predictor import PerformancePredictor

NUM_STEPS = 400
BATCH_SIZE = 128
LEARNING_RATE = 1e-3
WEIGHT_DECAY = 1e-2


def predictor_scores(observed: Tensor, outcomes: Tensor, candidates: Tensor, generator: torch.Generator) -> Tensor:
    """The predicted standardised outcomes (`c`) of `candidates` (`c x d`), by a network trained on `observed` (`n x d`) with their
    `outcomes` (`n`). The points are latent columns alone, all of one scale; equal generators give equal scores.
    """
    return train_predictor(observed, outcomes, generator)(candidates)


@torch.enable_grad()
def train_predictor(observed: Tensor, outcomes: Tensor, generator: torch.Generator) -> Callable[[Tensor], Tensor]:
    """The network of `predictor_scores`, from points (`c x d`) to outcomes (`c`)."""
    scale = observed.std(correction=0).clamp_min(1e-12)
    points, targets = (observed / scale).float(), outcomes.float()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**62, (1,), generator=generator)))
        predictor = PerformancePredictor(points.shape[1], 0.0, 1.0)
    optimizer = torch.optim.AdamW(predictor.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    for _ in range(NUM_STEPS):
        rows = torch.randint(len(points), (min(BATCH_SIZE, len(points)),), generator=generator)
        optimizer.zero_grad(set_to_none=True)
        functional.mse_loss(predictor(points[rows]), targets[rows]).backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    @torch.no_grad()
    def scores(candidates: Tensor) -> Tensor:
        predicted: Tensor = predictor((candidates / scale).float()).double()
        return predicted

    return scores
