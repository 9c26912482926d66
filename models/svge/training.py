"""Training a graph autoencoder: batches, schedule, validation and exact resumption.

What is trained on comes from `datasets.py`, triplets from `triplets.py`; the run's files are `run_folder.py`; the optimiser is
`muon.py`. How good the result is, `models/evaluation/abilities.py` says.
"""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from models.svge.captured import CapturedGradients
from models.svge.distributed import Workers
from models.svge.graph_model import GraphModel
from models.svge.muon import Muon, split_parameters
from models.svge.packing import PackedGraphs
from models.svge.precision import uses_bfloat16
from models.svge.run_folder import RunFolder, RunState, fingerprint
from models.svge.triplets import Triplets, TripletSource, triplet_objective

_CHUNK = 1024


@dataclass(frozen=True)
class TrainingConfig:
    """How to train. `num_steps` batches of `batch_size` graphs, of all graphs where there are fewer.

    The rates fall linearly to 0 and are lower still in the first `warmup_steps`, which are a third of all at most.

    `matrix_rate` is the rate of Muon, `learning_rate` that of AdamW for the other parameters. The paper trains 300 epochs with
    Adam at 1e-4. `precision` is `auto`, `float32` or `bfloat16`, for the matrix products. `save_every` is in seconds. With
    validation graphs their loss is taken every `validate_every` steps; after `patience` of these without a better one the run ends
    with the weights of the best. `triplet_share` is 1 - lambda of Eq. 17 and `triplet_margin` its margin; they count where triplets
    are given.
    """

    num_steps: int
    batch_size: int = 128
    matrix_rate: float = 0.01
    learning_rate: float = 1e-3
    warmup_steps: int = 300
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    precision: str = "auto"
    seed: int = 0
    save_every: float = 120.0
    validate_every: int = 500
    patience: int | None = None
    triplet_share: float = 0.1
    triplet_margin: float = 1.0328


@dataclass(frozen=True)
class TrainingStep:
    """What is known after a step: losses a graph in nats, averaged over the steps since the last report.

    `triplet` is the triplet loss, `validation` the loss of the validation graphs, each where there is one.
    """

    step: int
    total: float
    nodes: float
    edges: float
    kl: float
    learning_rate: float
    graphs_per_second: float
    triplet: float | None = None
    validation: float | None = None


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Graphs to train on, in canonical order; graphs to validate with, and the triplets of the former, where there are any.

    `start` is the hash of the checkpoint that the model began as, or None.
    """

    graphs: PackedGraphs
    validation: PackedGraphs | None = None
    triplets: TripletSource | None = None
    start: str | None = None


class TrainingDiverged(RuntimeError):
    """The loss is no longer finite; lower the learning rate or train in full precision."""


def train(
    model: GraphModel,
    data: TrainingData,
    config: TrainingConfig,
    folder: Path,
    report: Callable[[TrainingStep], None],
    report_every: int = 50,
    workers: Workers | None = None,
    tensorboard: bool = False,
) -> float:
    """Train `model` in place, on the device where it is, and return the processor seconds of all calls that the run took.

    The run's state and its log live in `folder`; a run that finds a state there goes on from it and, on the same kind of device,
    ends as if it had never stopped. With several `workers` each calls this with the same arguments and its own copy of the model,
    and the leading one alone writes and reports; the folder is on a disk that all can read. Raises `ForeignRun` when that state is
    another run's, `ValueError` for data that cannot be trained on, and `TrainingDiverged`.
    """
    workers = workers or Workers(next(model.parameters()).device)
    files = RunFolder(folder, _identity(model, data, config, workers), tensorboard and workers.leads)
    run = _Run(model, data, config, workers)
    files.load(run.state)
    workers.agree(run.state.step, "the step to go on from; keep the run's folder on a disk that all processes share")
    model.train()
    saved = reported = time.monotonic()
    earlier = run.state.processor_seconds - time.process_time()
    figures = _Figures(config, min(config.batch_size, len(data.graphs.types)), data.triplets is not None)
    while run.state.step < config.num_steps and not run.exhausted:
        figures.add(run.step())
        step, ends = run.state.step, run.state.step == config.num_steps or run.exhausted
        if step % report_every and not ends and run.validation is None:
            continue
        entry = figures.entry(step, run.validation, time.monotonic() - reported, workers)
        reported = time.monotonic()
        run.state.processor_seconds = earlier + time.process_time()
        if workers.leads:
            files.log(entry)
            report(entry)
            if ends or time.monotonic() - saved > config.save_every:
                files.save(run.state)
                saved = time.monotonic()
    if run.state.best_model is not None:
        model.load_state_dict(run.state.best_model)
    return run.state.processor_seconds


def schedule(config: TrainingConfig, step: int) -> float:
    """What the rates are multiplied with in a step: linear warm-up times linear decay that would reach 0 at `num_steps`."""
    warmup = min(1.0, (step + 1) / max(min(config.warmup_steps, config.num_steps // 3), 1))
    return warmup * (1.0 - step / config.num_steps)


def make_optimizers(model: nn.Module, config: TrainingConfig, dtype: torch.dtype) -> Sequence[torch.optim.Optimizer]:
    """Muon for the hidden layers, its products in `dtype`, and AdamW for the rest."""
    matrices, others = split_parameters(model)
    found: list[torch.optim.Optimizer] = [torch.optim.AdamW(others, lr=config.learning_rate, weight_decay=config.weight_decay)]
    if matrices:
        found.append(Muon(matrices, lr=config.matrix_rate, weight_decay=config.weight_decay, dtype=dtype))
    return found


class _Run:
    """A model on its way, one step at a time."""

    def __init__(self, model: GraphModel, data: TrainingData, config: TrainingConfig, workers: Workers) -> None:
        self._bfloat16 = uses_bfloat16(config.precision, workers.device)
        dtype = torch.bfloat16 if self._bfloat16 else torch.float32
        self.state = RunState(model, make_optimizers(model, config, dtype))
        self.validation: float | None = None
        self._model, self._data, self._config, self._workers = model, data, config, workers
        objective = _Objective(model, config)
        self._wrapped = workers.wrap(objective)
        alone = workers.count == 1 and data.triplets is None
        captured = workers.device.type == "cuda" and model.never_waits and alone
        self._captured = CapturedGradients(objective, self._bfloat16) if captured else None
        self._rates = [optimizer.param_groups[0]["lr"] for optimizer in self.state.optimizers]
        workers.agree(float(self._bfloat16), "1 for bfloat16, 0 for float32; give all the same precision instead of 'auto'")

    @property
    def exhausted(self) -> bool:
        return self._config.patience is not None and self.state.stale >= self._config.patience

    def step(self) -> Tensor:
        """One more batch; returns its losses, those of `Losses` and the triplet loss: `5`."""
        state, config = self.state, self._config
        scale = schedule(config, state.step)
        for optimizer, rate in zip(state.optimizers, self._rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate * scale
            optimizer.zero_grad(set_to_none=True)
        losses = self._fill_gradients()
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), config.clip_norm)
        for optimizer in state.optimizers:
            optimizer.step()
        state.step += 1
        self.validation = None
        if self._data.validation is not None and (state.step % config.validate_every == 0 or state.step == config.num_steps):
            self._validate(self._data.validation)
        return losses

    def _fill_gradients(self) -> Tensor:
        """The gradients of the batch whose turn it is; returns its losses."""
        config, step, workers = self._config, self.state.step, self._workers
        rows = workers.share(_rows(len(self._data.graphs.types), config, step))
        seed = (config.seed * 1_000_003 + step) * workers.count + workers.rank
        graphs = self._data.graphs.select(rows).to(workers.device)
        if self._captured is not None:
            return self._captured.fill(graphs, seed)
        noise = torch.Generator(workers.device).manual_seed(seed)
        triplets = None if self._data.triplets is None else self._data.triplets.select(rows, step).to(workers.device)
        with self._autocast():
            total, losses = self._wrapped(graphs, triplets, noise)
        total.backward()
        found: Tensor = losses
        return found

    @torch.no_grad()
    def _validate(self, graphs: PackedGraphs) -> None:
        self._model.eval()
        noise = torch.Generator(self._workers.device).manual_seed(self._config.seed)
        total = 0.0
        for rows in torch.split(torch.arange(len(graphs.types)), _CHUNK):
            with self._autocast():
                total += float(self._model(graphs.select(rows).to(self._workers.device), noise).total) * len(rows)
        self._model.train()
        self.validation = float(self._workers.average(torch.tensor(total / len(graphs.types), device=self._workers.device)))
        if self.validation < self.state.best:
            weights = {name: value.detach().cpu().clone() for name, value in self._model.state_dict().items()}
            self.state.best, self.state.best_model, self.state.stale = self.validation, weights, 0
        else:
            self.state.stale += 1

    def _autocast(self) -> AbstractContextManager[None]:
        return torch.autocast(self._workers.device.type, dtype=torch.bfloat16, enabled=self._bfloat16)


class _Objective(nn.Module):
    """The loss to descend, in one forward pass as distributed training needs it, and its parts detached: `5`."""

    def __init__(self, model: GraphModel, config: TrainingConfig) -> None:
        super().__init__()
        self.model = model
        self._share, self._margin = config.triplet_share, config.triplet_margin

    def forward(self, graphs: PackedGraphs, triplets: Triplets | None, noise: torch.Generator) -> tuple[Tensor, Tensor]:
        if triplets is None:
            losses = self.model(graphs, noise)
            return losses.total, torch.stack([*losses, losses.total.new_zeros(())]).detach().float()
        losses, triplet = triplet_objective(self.model, graphs, triplets, self._margin, noise)
        total = (1.0 - self._share) * losses.total + self._share * triplet
        return total, torch.stack([total, *losses[1:], triplet]).detach().float()


class _Figures:
    """The losses between two reports."""

    def __init__(self, config: TrainingConfig, graphs_a_step: int, with_triplets: bool) -> None:
        self._config, self._graphs_a_step, self._with_triplets = config, graphs_a_step, with_triplets
        self._losses: list[Tensor] = []

    def add(self, losses: Tensor) -> None:
        self._losses.append(losses)

    def entry(self, step: int, validation: float | None, seconds: float, workers: Workers) -> TrainingStep:
        """The figures since the last entry. Raises `TrainingDiverged` where the loss is not finite."""
        config = self._config
        mean = workers.average(torch.stack(self._losses).mean(dim=0)).tolist()
        speed = len(self._losses) * self._graphs_a_step / max(seconds, 1e-9)
        self._losses = []
        total, nodes, edges, kl, triplet = mean
        if not math.isfinite(total):
            rates = f"{config.matrix_rate} and {config.learning_rate}"
            raise TrainingDiverged(f"the loss is {total} at step {step}; lower the learning rates of {rates}")
        rate = config.learning_rate * schedule(config, step - 1)
        return TrainingStep(step, total, nodes, edges, kl, rate, speed, triplet if self._with_triplets else None, validation)


def _rows(num_graphs: int, config: TrainingConfig, step: int) -> Tensor:
    """The graphs of one step: epochs are permutations, fixed by the seed, so that a resumed run sees the same batches."""
    per_epoch = max(num_graphs // config.batch_size, 1)
    epoch, place = divmod(step, per_epoch)
    return _permutation(num_graphs, config.seed, epoch)[place * config.batch_size : (place + 1) * config.batch_size]


@lru_cache(maxsize=1)
def _permutation(num_graphs: int, seed: int, epoch: int) -> Tensor:
    return torch.randperm(num_graphs, generator=torch.Generator().manual_seed(seed * 1_000_003 + epoch))


def _identity(model: GraphModel, data: TrainingData, config: TrainingConfig, workers: Workers) -> dict[str, Any]:
    """What must be the same for one run to go on where another stopped; how often it saves may change."""
    settings = {name: value for name, value in asdict(config).items() if name != "save_every"}
    batches = [data.graphs, *([data.validation] if data.validation else []), *([data.triplets.positives] if data.triplets else [])]
    run = {"vocabulary": list(model.vocabulary), "data": fingerprint(*batches), "start": data.start, "processes": workers.count}
    return {**settings, **asdict(model.config), **run}
