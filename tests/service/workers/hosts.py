"""Hosts without torch, for the tests of the worker's process: they compute nothing and can misbehave on request."""

import os
import time
from collections.abc import Sequence

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonical_id
from models.search.proposal import Prediction, ProposalBatch, ProposalRequest
from service.workers.decode_job import DecodeJob
from service.workers.worker import Decoding, Encoding

KILL = "kill"
FAIL = "fail"
SLEEP = "sleep"


class PlainHost:
    """Its encodings hold the process id and the number of architectures of the batch; the model's name chooses what happens."""

    def encode(self, model: str, architectures: Sequence[Architecture]) -> list[Encoding]:
        _misbehave(model)
        if model == FAIL or any("faulty" in architecture.nodes for architecture in architectures):
            raise ValueError("faulty architecture")
        numbers = (float(os.getpid()), float(len(architectures)))
        return [Encoding(architecture, canonical_id(architecture), numbers, ()) for architecture in architectures]

    def decode(self, model: str, jobs: Sequence[DecodeJob]) -> list[list[list[Decoding]]]:
        _misbehave(model)
        path = Architecture("any", ("input", "output"), ((0, 1),))
        return [[[Decoding(path, str(job.seed), 1.0, latent[0])] for latent in job.latents] for job in jobs]

    def predict(self, model: str, request: ProposalRequest, architectures: Sequence[Architecture]) -> list[Prediction]:
        _misbehave(model)
        return [Prediction(float(os.getpid()), 1.0, 0.0) for _ in architectures]

    def propose(self, model: str, request: ProposalRequest) -> ProposalBatch:
        _misbehave(model)
        return ProposalBatch((), str(os.getpid()))


class UnopenableHost(PlainHost):
    def __init__(self) -> None:
        raise RuntimeError("no such device")


def _misbehave(model: str) -> None:
    if model == KILL:
        os._exit(9)
    if model == SLEEP:
        time.sleep(60)
