"""Joint training of a trained autoencoder and a performance predictor on labelled graphs (Eq. 18, Table 4).

The predictor itself is `predictor.py`; training without labels is `training.py`.
"""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import ReduceLROnPlateau

from models.svge.graph_model import GraphModel
from models.svge.objective import sample_posterior
from models.svge.packing import PackedGraphs
from models.svge.predictor import PerformancePredictor

CHUNK = 1024


@dataclass(frozen=True)
class FineTuningConfig:
    """How to train jointly; Table 4's values are the defaults.

    `reconstruction_share` is the paper's psi. `validation_share` of the labelled graphs are set aside: the epoch whose predictions
    of them are best is kept, and training stops `patience` epochs after it. The rate falls to a tenth after `plateau` epochs
    without a better one (Appendix B.2).
    """

    reconstruction_share: float = 0.1
    learning_rate: float = 1e-3
    batch_size: int = 128
    num_epochs: int = 100
    validation_share: float = 0.1
    plateau: int = 10
    patience: int = 25
    seed: int = 0


@dataclass(frozen=True)
class FineTuningEpoch:
    """What is known after an epoch: the joint loss a graph, and the mean squared errors of accuracies as fractions."""

    epoch: int
    loss: float
    training_mse: float
    validation_mse: float


@dataclass(frozen=True, eq=False)
class FineTuned:
    """The model and the predictor of the best epoch, in evaluation mode, and all epochs in order."""

    model: GraphModel
    predictor: PerformancePredictor
    epochs: tuple[FineTuningEpoch, ...]

    @torch.inference_mode()
    def predict(self, graphs: PackedGraphs) -> Tensor:
        """The predicted accuracies of the graphs, as fractions: `b`, on the CPU."""
        return predict(self.model, self.predictor, graphs).cpu()


class TooFewLabels(ValueError):
    """There are not enough labelled graphs to train on some and to choose the epoch by others."""


def fine_tune(
    model: GraphModel,
    graphs: PackedGraphs,
    accuracies: Tensor,
    config: FineTuningConfig,
    report: Callable[[FineTuningEpoch], None],
) -> FineTuned:
    """Train a copy of `model` and a new predictor on graphs (`b`) with their `accuracies` (`b`, fractions); equal seeds give
    equal results.

    `report` hears of every epoch. Raises `TooFewLabels` below four graphs, and `ValueError` for accuracies that are no fractions.
    """
    _check(graphs, accuracies)
    device = next(model.parameters()).device
    generator = torch.Generator().manual_seed(config.seed)
    order = torch.randperm(len(accuracies), generator=generator)
    num_validation = max(1, int(len(order) * config.validation_share))
    validation, train = order[:num_validation], order[num_validation:]
    labels = accuracies.float()
    tuned = copy.deepcopy(model)
    predictor = _new_predictor(model.config.latent_size, labels[train], config.seed).to(device)
    trainer = _Trainer(tuned, predictor, config)
    epochs: list[FineTuningEpoch] = []
    best, best_epoch, best_state = math.inf, 0, trainer.state()
    for epoch in range(1, config.num_epochs + 1):
        loss, training_mse = trainer.run_epoch(graphs, labels, train, generator)
        predicted = predict(tuned.eval(), predictor, graphs.select(validation)).cpu()
        validation_mse = float(functional.mse_loss(predicted, labels[validation]))
        trainer.schedule.step(validation_mse)
        epochs.append(FineTuningEpoch(epoch, loss, training_mse, validation_mse))
        report(epochs[-1])
        if validation_mse < best:
            best, best_epoch, best_state = validation_mse, epoch, trainer.state()
        if epoch - best_epoch >= config.patience:
            break
    trainer.restore(best_state)
    return FineTuned(tuned.eval(), predictor.eval(), tuple(epochs))


@torch.no_grad()
def predict(model: GraphModel, predictor: PerformancePredictor, graphs: PackedGraphs) -> Tensor:
    """The predicted accuracies of the graphs, as fractions: `b`, on the model's device."""
    device = next(model.parameters()).device
    rows = torch.split(torch.arange(len(graphs.types)), CHUNK)
    return torch.cat([predictor(model.encode(graphs.select(part).to(device)).mean) for part in rows])


class _Trainer:
    """The two networks and their optimiser."""

    def __init__(self, model: GraphModel, predictor: PerformancePredictor, config: FineTuningConfig) -> None:
        self.networks = nn.ModuleList([model, predictor])
        self.model, self.predictor, self.config = model, predictor, config
        self.optimizer = torch.optim.Adam(self.networks.parameters(), config.learning_rate)
        self.schedule = ReduceLROnPlateau(self.optimizer, factor=0.1, patience=config.plateau, threshold=0.0)

    def run_epoch(self, graphs: PackedGraphs, labels: Tensor, train: Tensor, generator: torch.Generator) -> tuple[float, float]:
        """One pass over the graphs at `train`: the mean joint loss and the mean squared error."""
        self.networks.train()
        shuffled = train[torch.randperm(len(train), generator=generator)]
        device = next(self.model.parameters()).device
        noise = torch.Generator(device).manual_seed(int(torch.randint(2**62, (1,), generator=generator)))
        sums = torch.zeros(2, device=device)
        for rows in torch.split(shuffled, self.config.batch_size):
            loss, error = joint_loss(
                self.model, self.predictor, graphs.select(rows).to(device), labels[rows].to(device), self.config, noise
            )
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            sums += len(rows) * torch.stack([loss.detach(), error.detach()])
        mean_loss, mean_error = (sums / len(train)).tolist()
        return mean_loss, mean_error

    def state(self) -> dict[str, Tensor]:
        return {name: value.clone() for name, value in self.networks.state_dict().items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        self.networks.load_state_dict(state)


def joint_loss(
    model: GraphModel,
    predictor: PerformancePredictor,
    graphs: PackedGraphs,
    accuracies: Tensor,
    config: FineTuningConfig,
    noise: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """`psi (L_V + L_E + alpha KL) + (1 - psi) L_pred` (Eq. 18), a mean over the batch, and `L_pred`, the mean squared error."""
    posterior = model.encode(graphs)
    latent = sample_posterior(posterior, model.config.posterior_noise_scale, noise)
    reconstruction = model.losses(posterior, latent, graphs).total
    error = functional.mse_loss(predictor(posterior.mean), accuracies)
    share = config.reconstruction_share
    return share * reconstruction + (1.0 - share) * error, error


def _new_predictor(latent_size: int, labels: Tensor, seed: int) -> PerformancePredictor:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        spread = float(labels.std(correction=0))
        return PerformancePredictor(latent_size, float(labels.mean()), spread if spread > 0.0 else 1.0)


def _check(graphs: PackedGraphs, accuracies: Tensor) -> None:
    if len(graphs.types) != len(accuracies):
        raise ValueError(f"expected one accuracy a graph, got {len(accuracies)} for {len(graphs.types)} graphs")
    if len(accuracies) < 4:
        raise TooFewLabels(f"expected at least 4 labelled graphs, got {len(accuracies)}; measure more architectures")
    if not bool(((accuracies >= 0.0) & (accuracies <= 1.0)).all()):
        raise ValueError(
            f"expected accuracies as fractions from 0 to 1, got {float(accuracies.min()):g} to {float(accuracies.max()):g}; "
            "divide percentages by 100"
        )
