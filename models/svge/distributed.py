"""Training in several processes, on one machine or many, each with its share of every batch.

`torchrun` or Ray Train (`models/evaluation/ray_training.py`) starts the processes. They learn their places from environment
variables; without them there is one.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True)
class Workers:
    """One process among those that train together: its `rank` in `0 .. count - 1`, and its own `device`."""

    device: torch.device
    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes the files and reports; one does."""
        return self.rank == 0

    def share(self, rows: Tensor) -> Tensor:
        """The rows of a batch that are this process's own. Raises `ValueError` where the batch cannot be shared evenly."""
        if len(rows) % self.count:
            raise ValueError(f"expected a batch size divisible by {self.count} processes, got {len(rows)}; change the batch size")
        return rows[self.rank :: self.count]

    def wrap(self, model: nn.Module) -> nn.Module:
        """The model whose gradients are averaged over all processes."""
        if self.count == 1:
            return model
        # Graphs of two nodes never reach the networks of the decoder's propagation.
        return DistributedDataParallel(model, find_unused_parameters=True)

    def agree(self, value: float, what: str) -> None:
        """Raises `ValueError` on every process where the value is not the same on all; `what` says what it is and the remedy."""
        if self.count == 1:
            return
        ends = torch.tensor([value, -value], dtype=torch.float64, device=self.device)
        distributed.all_reduce(ends, op=distributed.ReduceOp.MAX)
        largest, smallest = float(ends[0]), -float(ends[1])
        if largest != smallest:
            raise ValueError(f"the processes have from {smallest:g} to {largest:g} as {what}")

    def average(self, values: Tensor) -> Tensor:
        """The mean of a tensor over all processes, the same on each."""
        if self.count > 1:
            distributed.all_reduce(values)
        return values / self.count


@contextmanager
def join_workers(device: torch.device) -> Iterator[Workers]:
    """The processes that were started together with this one, joined for as long as the context lasts; Ray Train has joined them.

    On CUDA each takes the GPU of its local rank, and they speak by NCCL, else by Gloo. Raises `ValueError` where the environment
    names several processes but not their places.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Workers(device)
        return
    missing = [name for name in ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT") if name not in os.environ]
    if missing:
        raise ValueError(
            f"WORLD_SIZE is {count}, but {missing[0]} is not set; start the processes with torchrun, or unset WORLD_SIZE"
        )
    rank, local_rank = int(os.environ["RANK"]), int(os.environ["LOCAL_RANK"])
    if device.type == "cuda":
        device = torch.device("cuda", local_rank)
        torch.cuda.set_device(device)
    if distributed.is_initialized():
        yield Workers(device, rank, count)
        return
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Workers(device, rank, count)
        # A process that leaves while another still speaks to it makes Gloo's threads end in an abort.
        distributed.barrier()
    finally:
        distributed.destroy_process_group()
