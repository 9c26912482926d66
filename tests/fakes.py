"""Fakes: stand-ins that behave, deterministically and fast, like what they stand for."""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonical_id, canonicalise
from models.pretrained.additions import find_loadable
from models.pretrained.catalogue import space_of
from models.search.proposal import Prediction, Proposal, ProposalBatch, ProposalRequest
from service.workers.worker import DecodeMode, Decoding, Encoding, WorkerUnavailable

LATENT_SIZE = 4


def write_model(folder: Path, name: str, space: str) -> None:
    """A checkpoint that exists as far as the catalogue can see."""
    card = {"space": space, "config": {"latent_size": LATENT_SIZE}}
    (folder / f"{name}.json").write_text(json.dumps(card))
    (folder / f"{name}.safetensors").write_bytes(name.encode())


def checkpoint_bytes(space: str = "nasbench201", seed: int = 0, **changes: Any) -> bytes:
    """A safetensors file that looks like a checkpoint of `space` until its weights are loaded; `changes` are of its card."""
    card = {"format_version": 1, "space": space, "vocabulary": [], "kind": "svge", "config": {"latent_size": LATENT_SIZE}}
    weights = np.random.default_rng(seed).standard_normal(64).astype(np.float16)
    return save({"weights": weights}, {"card": json.dumps(card | changes)})


class FakeWorker:
    """A `ModelWorker` without a model: latents come from hashes, proposals and decodings from the space's own sampling.

    `requests` are the proposals asked for. While `gate` is clear, proposals wait for it; while `lost`, every call fails.
    """

    def __init__(self, *folders: Path) -> None:
        self._folders = folders
        self.requests: list[ProposalRequest] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.lost = False
        self.closed = False

    async def encode(self, model: str, architectures: Sequence[Architecture]) -> list[Encoding]:
        self._check()
        return [Encoding(canonicalise(a), canonical_id(a), fake_latent(a), (0.1,) * LATENT_SIZE) for a in architectures]

    async def decode(
        self, model: str, latents: Sequence[Sequence[float]], samples: int, mode: DecodeMode, seed: int
    ) -> list[list[Decoding]]:
        self._check()
        return [self._decode(model, point, samples if mode == "sampled" else 1, seed) for point in latents]

    async def predict(self, model: str, request: ProposalRequest, architectures: Sequence[Architecture]) -> list[Prediction]:
        self._check()
        if len(request.observations) < 2:
            return []
        mean = float(np.mean([observation.value for observation in request.observations]))
        return [Prediction(mean, 0.5, -1.0) for _ in architectures]

    async def propose(self, model: str, request: ProposalRequest, study: int = 0) -> ProposalBatch:
        self._check()
        self.requests.append(request)
        await self.gate.wait()
        self._check()
        space = space_of(find_loadable(model, *self._folders))
        rng = np.random.default_rng(request.seed)
        taken = {canonical_id(a) for a in (*request.pending, *(o.architecture for o in request.observations))} | set(
            request.excluded
        )
        source = "initial" if len(request.observations) < request.initial_size else "acquisition"
        proposals: dict[str, Proposal] = {}
        for _ in range(100 + 20 * request.count):
            if len(proposals) == request.count:
                break
            architecture = space.sample(rng)
            key = canonical_id(architecture)
            if key not in taken:
                proposals.setdefault(key, Proposal(architecture, key, fake_latent(architecture), source))
        reason = None if len(proposals) == request.count else "the space is used up"
        return ProposalBatch(tuple(proposals.values()), reason, {"fits": [float(len(self.requests))]})

    async def ready(self) -> bool:
        return not self.lost

    async def close(self) -> None:
        self.closed = True

    def _decode(self, model: str, point: Sequence[float], samples: int, seed: int) -> list[Decoding]:
        space = space_of(find_loadable(model, *self._folders))
        rng = np.random.default_rng([seed, *hashlib.sha256(repr(list(point)).encode()).digest()])
        drawn: dict[str, list[Architecture]] = {}
        for _ in range(samples):
            architecture = space.sample(rng)
            drawn.setdefault(canonical_id(architecture), []).append(architecture)
        by_frequency = sorted(drawn.items(), key=lambda item: -len(item[1]))
        return [
            Decoding(same[0], key, len(same) / samples, float(np.linalg.norm(np.subtract(point, fake_latent(same[0])))))
            for key, same in by_frequency
        ]

    def _check(self) -> None:
        if self.lost:
            raise WorkerUnavailable("the fake worker is lost")


def fake_latent(architecture: Architecture) -> tuple[float, ...]:
    """The latent mean that the fake gives to an architecture and to all isomorphic ones."""
    digest = bytes.fromhex(canonical_id(architecture))
    return tuple(float(byte) / 128 - 1 for byte in digest[:LATENT_SIZE])
