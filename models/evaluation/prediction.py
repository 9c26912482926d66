"""How well performance is predicted from the latent space: by a Gaussian process, and by the jointly trained network (Table 1).

Table 1 trains on 1,000 and more labels and gives the mean squared error on held-out ones over 3 runs, and the true accuracy and
the rank of the held-out architecture that is predicted to be best. The process is `regression.py`, the joint training
`models/svge/finetuning.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from models.autoencoders.autoencoder import GraphAutoencoder
from models.datasets.measured import MeasuredArchitectures
from models.evaluation.held_out import split_measured
from models.evaluation.labels import Labelled, NoFractions, as_fractions, labelled
from models.evaluation.progress import Report, silent
from models.evaluation.regression import fit_regression
from models.spaces.space import SearchSpace
from models.svge.finetuning import FineTuned, FineTuningConfig, fine_tune
from models.svge.packing import pack

TABLE1_LABELS = 1000
"""The least number of labels of Table 1."""


@dataclass(frozen=True, eq=False)
class Predicted:
    """Predicted and true values of the same architectures, `n` each, in one unit."""

    predicted: np.ndarray
    true: np.ndarray

    @property
    def mse(self) -> float:
        return float(np.mean((self.predicted - self.true) ** 2))

    @property
    def pearson_r(self) -> float:
        """The correlation; 0 where either side is constant."""
        if self.predicted.std() == 0.0 or self.true.std() == 0.0:
            return 0.0
        return float(np.corrcoef(self.predicted, self.true)[0, 1])

    @property
    def found(self) -> float:
        """The true value of what is predicted to be best."""
        return float(self.true[self.predicted.argmax()])

    @property
    def rank_percent(self) -> float:
        """The place of `found` among the true values, the best being one of n, in percent of n."""
        return float(100.0 * (1 + (self.true > self.found).sum()) / len(self.true))

    def rmse(self, scale: float) -> float:
        """The root mean squared error in units of `scale`, the standard deviation of the training labels."""
        return float(np.sqrt(self.mse)) / scale


@dataclass(frozen=True, eq=False)
class Runs:
    """The same prediction from several seeds: of the test labels, and of the training labels in the first run."""

    test: tuple[Predicted, ...]
    train: Predicted
    num_labels: int
    label_std: float


def split_labels(measured: MeasuredArchitectures, space: SearchSpace, metric: str, seed: int) -> tuple[Labelled, Labelled]:
    """The labels to train on and to test on: the usual split, or halves where a tenth would be too little to test on.

    Raises `ValueError` where the labels to train on are all the same.
    """
    data = labelled(measured, metric)
    if len(data.architectures) >= 2 * TABLE1_LABELS:
        train, test = (labelled(part, metric) for part in split_measured(measured, space, seed))
    else:
        order = np.random.default_rng(seed).permutation(len(data.architectures))
        half = len(order) // 2
        train, test = data.take(order[:half]), data.take(order[half:])
    distinct = np.unique(train.values).tolist()
    if len(distinct) < 2:
        found = f"only {distinct[0]:g}" if distinct else "none"
        raise ValueError(
            f"expected at least two different values of '{metric}' to train on, got {found}; "
            "choose another with --metric, or give more measurements"
        )
    return train, test


def label_counts(asked: Sequence[int] | None, available: int) -> list[int]:
    """How many labels to train jointly on: those asked for, without 0, or else Table 1's least number or what there is.

    Raises `ValueError` for more than are available.
    """
    for count in asked or ():
        if count > available:
            raise ValueError(f"expected at most the {available} labels of the training part, got {count}; ask for fewer")
    return [count for count in asked or [min(TABLE1_LABELS, available)] if count]


def require_fractions(train: Labelled, test: Labelled) -> None:
    """Raise `NoFractions` where the network cannot be trained on these labels, or not be tested on them."""
    for data in (train, test):
        try:
            as_fractions(data)
        except NoFractions as error:
            raise NoFractions(f"{error}, or fit the Gaussian process alone with --labels 0") from error


def predict_by_process(
    autoencoder: GraphAutoencoder, train: Labelled, test: Labelled, seeds: Sequence[int], report: Report = silent
) -> Runs:
    """A Gaussian process on the latent means of all training labels, once for each seed."""
    points, test_points = (autoencoder.encode(data.architectures).mean for data in (train, test))
    outcomes = torch.from_numpy(train.values)
    found, on_train = [], None
    for place, seed in enumerate(seeds):
        report("runs of the Gaussian process", place, len(seeds))
        regression = fit_regression(points, outcomes, seed, report)
        found.append(_predicted(regression.predict(test_points), test))
        if on_train is None:
            on_train = _predicted(regression.predict(points), train)
    report("runs of the Gaussian process", len(seeds), len(seeds))
    return _runs(found, on_train, train)


def predict_by_network(
    autoencoder: GraphAutoencoder,
    train: Labelled,
    test: Labelled,
    num_labels: int,
    seeds: Sequence[int],
    config: FineTuningConfig | None = None,
    report: Report = silent,
) -> Runs:
    """Table 1's protocol: the model and the predictor trained jointly on `num_labels` random training labels, for each seed.

    Everything in fractions. The test labels are not used before the end.
    """
    test = as_fractions(test)
    vocabulary = autoencoder.space.vocabulary
    found, on_train, used = [], None, train
    for seed in seeds:
        chosen = np.random.default_rng(seed).permutation(len(train.architectures))[:num_labels]
        labels = as_fractions(train.take(chosen))
        tuned = tune(autoencoder, labels, replace(config or FineTuningConfig(), seed=seed), report)
        found.append(_predicted(tuned.predict(pack(test.architectures, vocabulary)), test))
        if on_train is None:
            used = labels
            on_train = _predicted(tuned.predict(pack(labels.architectures, vocabulary)), labels)
    return _runs(found, on_train, used)


def tune(autoencoder: GraphAutoencoder, labels: Labelled, config: FineTuningConfig, report: Report = silent) -> FineTuned:
    """The autoencoder's model and a predictor trained jointly on labels as fractions; the autoencoder stays as it is."""
    graphs = pack(labels.architectures, autoencoder.space.vocabulary)
    stage = f"training on {len(labels.architectures):,} labels, seed {config.seed}"
    tuned = fine_tune(
        autoencoder.model,
        graphs,
        torch.from_numpy(labels.values),
        config,
        lambda epoch: report(stage, epoch.epoch, config.num_epochs),
    )
    report(stage, config.num_epochs, config.num_epochs)
    return tuned


def _predicted(predicted: Tensor, data: Labelled) -> Predicted:
    return Predicted(predicted.double().numpy(), data.values)


def _runs(test: Sequence[Predicted], train: Predicted | None, labels: Labelled) -> Runs:
    if train is None:
        raise ValueError("expected at least one seed, got none")
    return Runs(tuple(test), train, len(labels.architectures), float(labels.values.std()))
