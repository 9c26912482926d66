"""Training an SVGe: batches, schedule, checkpoints of the run and exact resumption.

What is trained on comes from `datasets.py`; how good the result is, from `abilities.py`; the shipped form from `checkpoint.py`.
"""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models.svge.model import SVGe
from models.svge.packing import PackedGraphs

STATE_FILE = "state.pt"
LOG_FILE = "log.jsonl"


@dataclass(frozen=True)
class TrainingConfig:
    """How to train. `num_steps` batches of `batch_size` graphs; the rate rises over `warmup_steps`, then falls linearly to 0.

    The paper trains 300 epochs with Adam at 1e-4; a higher rate with warm-up, decay and clipping gets there in a tenth of them.
    `half_precision` runs the matrix products in bfloat16. `save_every` is in seconds.
    """

    num_steps: int
    batch_size: int = 128
    learning_rate: float = 1.5e-3
    warmup_steps: int = 500
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    half_precision: bool = True
    seed: int = 0
    save_every: float = 120.0


@dataclass(frozen=True)
class TrainingStep:
    """What is known after a step: losses a graph in nats, averaged over the steps since the last report."""

    step: int
    total: float
    nodes: float
    edges: float
    kl: float
    learning_rate: float
    graphs_per_second: float


class ForeignRun(ValueError):
    """The folder holds the state of a run with other settings, another model or other data; give this one its own folder."""


class TrainingDiverged(RuntimeError):
    """The loss is no longer finite; lower the learning rate or train in full precision."""


def train(
    model: SVGe,
    graphs: PackedGraphs,
    config: TrainingConfig,
    folder: Path,
    report: Callable[[TrainingStep], None],
    report_every: int = 50,
) -> None:
    """Train `model` in place on `graphs`, on the device where the model is.

    The run's state and its log live in `folder`; a run that finds a state there goes on from it and ends as if it had never
    stopped. Raises `ForeignRun` when that state is another run's, and `TrainingDiverged`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    device = next(model.parameters()).device
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    identity = _identity(model, graphs, config)
    step = _load_state(folder / STATE_FILE, model, optimizer, identity)
    model.train()
    saved = reported = time.monotonic()
    sums = torch.zeros(4, device=device)
    while step < config.num_steps:
        _set_rate(optimizer, learning_rate(config, step))
        sums += _train_one(model, optimizer, _batch(graphs, config, step).to(device), config, step)
        step += 1
        if step % report_every == 0 or step == config.num_steps:
            now = time.monotonic()
            since = (step - 1) % report_every + 1
            speed = since * config.batch_size / max(now - reported, 1e-9)
            total, nodes, edges, kl = (sums / since).tolist()
            entry = TrainingStep(step, total, nodes, edges, kl, learning_rate(config, step - 1), speed)
            if not torch.isfinite(sums[0]):
                raise TrainingDiverged(
                    f"the loss is {entry.total} at step {step}; lower the learning rate of {config.learning_rate}"
                )
            _append(folder / LOG_FILE, entry)
            report(entry)
            sums, reported = torch.zeros(4, device=device), now
            if now - saved > config.save_every or step == config.num_steps:
                _save_state(folder / STATE_FILE, model, optimizer, identity, step)
                saved = now


def learning_rate(config: TrainingConfig, step: int) -> float:
    """The rate of step `step`: linear warm-up, then linear decay that would reach 0 at `num_steps`."""
    warmup = min(1.0, (step + 1) / max(config.warmup_steps, 1))
    return config.learning_rate * warmup * (1.0 - step / config.num_steps)


def _batch(graphs: PackedGraphs, config: TrainingConfig, step: int) -> PackedGraphs:
    """The graphs of one step: epochs are permutations, fixed by the seed, so that a resumed run sees the same batches."""
    num_graphs = len(graphs.types)
    per_epoch = max(num_graphs // config.batch_size, 1)
    epoch, place = divmod(step, per_epoch)
    order = _permutation(num_graphs, config.seed, epoch)
    return graphs.select(order[place * config.batch_size : (place + 1) * config.batch_size])


@lru_cache(maxsize=1)
def _permutation(num_graphs: int, seed: int, epoch: int) -> Tensor:
    return torch.randperm(num_graphs, generator=torch.Generator().manual_seed(seed * 1_000_003 + epoch))


def _train_one(model: SVGe, optimizer: torch.optim.Optimizer, batch: PackedGraphs, config: TrainingConfig, step: int) -> Tensor:
    device = batch.types.device
    noise = torch.Generator(device).manual_seed(config.seed * 1_000_003 + step)
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=config.half_precision):
        losses = model(batch, noise)
    optimizer.zero_grad(set_to_none=True)
    losses.total.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
    optimizer.step()
    return torch.stack([loss.detach().float() for loss in losses])


def _set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def _identity(model: SVGe, graphs: PackedGraphs, config: TrainingConfig) -> dict[str, Any]:
    """What must be the same for one run to go on where another stopped; how often it saves may change."""
    settings = {name: value for name, value in asdict(config).items() if name != "save_every"}
    digest = hashlib.sha256(graphs.types.numpy().tobytes() + graphs.adjacency.bool().numpy().tobytes()).hexdigest()
    return {**settings, **asdict(model.config), "vocabulary": list(model.vocabulary), "data": digest}


def _load_state(path: Path, model: SVGe, optimizer: torch.optim.Optimizer, identity: dict[str, Any]) -> int:
    if not path.exists():
        return 0
    # The optimiser moves its state to the parameters' device by itself, and keeps its step counts where they are cheap.
    state = torch.load(path, map_location="cpu", weights_only=True)
    found = state["identity"]
    different = sorted(name for name in identity.keys() | found.keys() if identity.get(name) != found.get(name))
    if different:
        raise ForeignRun(f"'{path.parent}' holds a run that differs in {', '.join(different)}; give this run another folder")
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    step: int = state["step"]
    return step


def _save_state(path: Path, model: SVGe, optimizer: torch.optim.Optimizer, identity: dict[str, Any], step: int) -> None:
    """Written beside and moved into place, so that a run killed while it saves keeps the state before."""
    beside = path.with_suffix(".new")
    torch.save({"identity": identity, "model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}, beside)
    beside.replace(path)


def _append(path: Path, entry: TrainingStep) -> None:
    with path.open("a") as log:
        log.write(json.dumps(asdict(entry)) + "\n")
