"""How smooth a latent space is: by how many edits the decodings of neighbouring points differ."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.architectures.architecture import Architecture
from models.architectures.edit_distance import edit_distance
from models.autoencoders.autoencoder import GraphAutoencoder
from models.evaluation.progress import Report, silent
from models.svge.encoder import Posterior

STEP_LENGTHS = (0.125, 0.25, 0.5, 1.0, 2.0)
NUM_WALKS = 200
NUM_STEPS = 4


@dataclass(frozen=True)
class Smoothness:
    """What one step changes. `step_length`: the length of a step, in standard deviations of the aggregate posterior.

    `mean_edit_distance`: the mean number of edits between the greedy decodings of a step's ends; `changed`: the share, in percent,
    of steps whose ends differ at all.
    """

    step_length: float
    mean_edit_distance: float
    changed: float


def measure_smoothness(
    autoencoder: GraphAutoencoder,
    held_out: Sequence[Architecture],
    seed: int,
    step_lengths: Sequence[float] = STEP_LENGTHS,
    num_walks: int = NUM_WALKS,
    report: Report = silent,
) -> list[Smoothness]:
    """Straight walks of `NUM_STEPS` steps from the posterior means of held-out graphs, in random directions, for each step length.

    Each dimension is measured in the standard deviation of the aggregate posterior there, so that models of any kind and scale
    compare. The same walks in each length, but for the length.
    """
    generator = torch.Generator().manual_seed(seed)
    posterior = autoencoder.encode(held_out)
    scale = aggregate_std(posterior)
    starts = posterior.mean[torch.randint(len(held_out), (num_walks,), generator=generator)]
    directions = torch.nn.functional.normalize(torch.randn(starts.shape, generator=generator), dim=1) * scale
    found = []
    for place, length in enumerate(step_lengths):
        latents = walk(starts, length * directions)
        decoded = autoencoder.decode(latents.flatten(0, 1))
        distances = np.array([_step_edits(decoded[row : row + NUM_STEPS + 1]) for row in range(0, len(decoded), NUM_STEPS + 1)])
        found.append(Smoothness(length, float(distances.mean()), float(100.0 * (distances > 0).mean())))
        report("walking in the latent space", place + 1, len(step_lengths))
    return found


def mean_pair_distance(held_out: Sequence[Architecture], seed: int, num_pairs: int = 1000) -> float:
    """The mean edit distance of random pairs of two different held-out graphs: what no smoothness at all would give.

    Raises `ValueError` where there are no two.
    """
    count = len(held_out)
    if count < 2:
        raise ValueError(f"expected at least two held-out graphs to compare, got {count}; give more with --data")
    rng = np.random.default_rng(seed)
    firsts = rng.integers(count, size=num_pairs)
    seconds = (firsts + rng.integers(1, count, size=num_pairs)) % count
    pairs = zip(firsts.tolist(), seconds.tolist(), strict=True)
    return float(np.mean([edit_distance(held_out[first], held_out[second]) for first, second in pairs]))


def aggregate_std(posterior: Posterior) -> Tensor:
    """The standard deviation of the aggregate posterior, the mixture of all posteriors, in each dimension: `d`."""
    return (posterior.mean.var(dim=0, correction=0) + posterior.log_var.exp().mean(dim=0)).sqrt()


def walk(starts: Tensor, steps: Tensor) -> Tensor:
    """The points of straight walks, `w x (NUM_STEPS + 1) x d`, from `starts` by `steps`, each `w x d`."""
    counts = torch.arange(NUM_STEPS + 1, dtype=starts.dtype)
    return starts[:, None, :] + counts[:, None] * steps[:, None, :]


def _step_edits(path: Sequence[Architecture]) -> list[int]:
    return [edit_distance(before, after) for before, after in zip(path[:-1], path[1:], strict=True)]
