"""The folder of a training run: its state, from which it goes on exactly, and its log, one JSON object a line.

With `tensorboard` installed the same figures go to event files beside them.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import nn

from models.svge.packing import PackedGraphs

STATE_FILE = "state.pt"
LOG_FILE = "log.jsonl"


class ForeignRun(ValueError):
    """The folder holds the state of a run with other settings, another model or other data; give this one its own folder."""


@dataclass
class RunState:
    """Everything that a step changes. `best` is the smallest validation loss so far and `best_model` the weights that gave it;
    `stale` counts the validations since. `processor_seconds` is what the run has taken so far.
    """

    model: nn.Module
    optimizers: Sequence[torch.optim.Optimizer]
    step: int = 0
    best: float = float("inf")
    best_model: dict[str, Any] | None = None
    stale: int = 0
    processor_seconds: float = 0.0


class RunFolder:
    """`identity` is what must be the same for one run to go on where another stopped."""

    def __init__(self, path: Path, identity: Mapping[str, Any], tensorboard: bool = False) -> None:
        self._path = path
        self._identity = dict(identity)
        path.mkdir(parents=True, exist_ok=True)
        self._events = _open_events(path) if tensorboard else None

    def load(self, state: RunState) -> None:
        """Change `state` to the saved one, if there is one. Raises `ForeignRun`."""
        path = self._path / STATE_FILE
        if not path.exists():
            return
        # The optimiser moves its state to the parameters' device by itself, and keeps its step counts where they are cheap.
        try:
            saved = torch.load(path, map_location="cpu", weights_only=True)
            found = saved["identity"]
        except (UnpicklingError, RuntimeError, EOFError, KeyError, TypeError) as error:
            reason = type(error).__name__
            raise ForeignRun(f"'{path}' is not the state of a run ({reason}); delete it or name another folder") from error
        names = self._identity.keys() | found.keys()
        different = sorted(name for name in names if self._identity.get(name) != found.get(name))
        if different:
            raise ForeignRun(f"'{self._path}' holds a run that differs in {', '.join(different)}; give this run another folder")
        state.model.load_state_dict(saved["model"])
        for optimizer, values in zip(state.optimizers, saved["optimizers"], strict=True):
            optimizer.load_state_dict(values)
        state.step, state.best, state.stale = saved["step"], saved["best"], saved["stale"]
        state.best_model, state.processor_seconds = saved["best_model"], saved["processor_seconds"]

    def save(self, state: RunState) -> None:
        """Written beside and moved into place, so that a run killed while it saves keeps the state before."""
        path = self._path / STATE_FILE
        beside = path.with_suffix(".new")
        saved = {
            "identity": self._identity,
            "model": state.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in state.optimizers],
            "step": state.step,
            "best": state.best,
            "best_model": state.best_model,
            "stale": state.stale,
            "processor_seconds": state.processor_seconds,
        }
        torch.save(saved, beside)
        beside.replace(path)

    def log(self, entry: Any) -> None:
        """Append a dataclass of figures, one of them its `step`."""
        values = {name: value for name, value in asdict(entry).items() if value is not None}
        with (self._path / LOG_FILE).open("a") as log:
            log.write(json.dumps(values) + "\n")
        if self._events is not None:
            for name, value in values.items():
                if name != "step":
                    self._events.add_scalar(name, value, values["step"])
            self._events.flush()


def fingerprint(*batches: PackedGraphs) -> str:
    """A digest of graphs in their order, the same on every machine."""
    digest = hashlib.sha256()
    for graphs in batches:
        digest.update(graphs.types.numpy().tobytes())
        digest.update(graphs.adjacency.bool().numpy().tobytes())
    return digest.hexdigest()


def _open_events(path: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ValueError(
            "event files need the package 'tensorboard'; install it: pip install 'svge-search[tensorboard]'"
        ) from error
    return SummaryWriter(log_dir=str(path))
