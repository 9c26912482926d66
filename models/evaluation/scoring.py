"""Predicting the value of any architecture from measurements of others: what candidates are ranked by."""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from models.architectures.architecture import Architecture
from models.autoencoders.autoencoder import GraphAutoencoder
from models.evaluation.labels import Labelled, as_fractions
from models.evaluation.prediction import tune
from models.evaluation.progress import Report, silent
from models.evaluation.regression import fit_regression
from models.svge.finetuning import FineTuningConfig
from models.svge.packing import pack

Score = Callable[[Sequence[Architecture]], np.ndarray]
"""The predicted values, one an architecture, larger or smaller than the measured ones; any number of architectures."""

TUNING_LABELS = 1000
"""So many labels the paper tunes on before it extrapolates (Section 4.2)."""


def score_by_process(autoencoder: GraphAutoencoder, data: Labelled, seed: int, report: Report = silent) -> Score:
    """A Gaussian process on the latent means of all of `data`, in its unit."""
    points = autoencoder.encode(data.architectures).mean
    regression = fit_regression(points, torch.from_numpy(data.values), seed, report)

    def score(architectures: Sequence[Architecture]) -> np.ndarray:
        scores: np.ndarray = regression.predict(autoencoder.encode(architectures).mean).numpy()
        return scores

    return score


def score_by_network(autoencoder: GraphAutoencoder, data: Labelled, seed: int, report: Report = silent) -> Score:
    """The jointly trained predictor on up to 1,000 random labels of `data`, in fractions. Raises `NoFractions`."""
    chosen = np.random.default_rng(seed).permutation(len(data.architectures))[:TUNING_LABELS]
    tuned = tune(autoencoder, as_fractions(data.take(chosen)), FineTuningConfig(seed=seed), report)

    def score(architectures: Sequence[Architecture]) -> np.ndarray:
        scores: np.ndarray = tuned.predict(pack(architectures, autoencoder.space.vocabulary)).double().numpy()
        return scores

    return score
