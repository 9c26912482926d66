"""What the replicas of the contract suite compute: real proposals of a small checkpoint, all else as the other workers do."""

import asyncio
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from models.architectures.architecture import Architecture
from models.pretrained.catalogue import read_cards
from models.search.proposal import Prediction, ProposalBatch, ProposalRequest
from service.workers.decode_job import DecodeJob
from service.workers.local import Host
from service.workers.worker import Decoding, Encoding
from tests.service.contract.app import ContractWorker


class ContractHost:
    """Fakes for the models in a folder, and the real host, loaded when it is first needed, for those in its folder `real`."""

    def __init__(self, folder: Path) -> None:
        self._fakes = ContractWorker(folder)
        self._folder = folder / "real"
        self._trained = {card.hash for card in read_cards(self._folder)}

    @cached_property
    def _real(self) -> Host:
        from service.workers.model_host import open_model_host

        return open_model_host("cpu", self._folder)

    def encode(self, model: str, architectures: Sequence[Architecture]) -> list[Encoding]:
        return asyncio.run(self._fakes.encode(model, architectures))

    def decode(self, model: str, jobs: Sequence[DecodeJob]) -> list[list[list[Decoding]]]:
        return [asyncio.run(self._fakes.decode(model, job.latents, job.samples, job.mode, job.seed)) for job in jobs]

    def predict(self, model: str, request: ProposalRequest, architectures: Sequence[Architecture]) -> list[Prediction]:
        return asyncio.run(self._fakes.predict(model, request, architectures))

    def propose(self, model: str, request: ProposalRequest) -> ProposalBatch:
        if model in self._trained:
            return self._real.propose(model, request)
        return asyncio.run(self._fakes.propose(model, request))
