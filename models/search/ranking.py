"""Scores of candidates by the performance predictor on the latent space (Section 4.1 of the paper).

The paper trains it together with the autoencoder. Here the encoder stays as it is, because all proposals of a study share one
checkpoint; joint training is `svge evaluate prediction`.
"""

import torch
from torch import Tensor
from torch.nn import functional

from models.svge.predictor import PerformancePredictor

NUM_STEPS = 400
BATCH_SIZE = 128
LEARNING_RATE = 1e-3
WEIGHT_DECAY = 1e-2


@torch.enable_grad()
def predictor_scores(observed: Tensor, outcomes: Tensor, candidates: Tensor, generator: torch.Generator) -> Tensor:
    """The predicted standardised outcomes (`c`) of `candidates` (`c x d`), by a network trained on `observed` (`n x d`) with their
    `outcomes` (`n`). The points are latent columns alone, all of one scale; equal generators give equal scores.
    """
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
    with torch.no_grad():
        scores: Tensor = predictor((candidates / scale).float()).double()
    return scores
