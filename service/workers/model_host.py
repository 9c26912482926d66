"""What runs inside a model process: checkpoints, loaded once, and the four computations on plain values.

The only module of the service that loads torch; `local.py` imports it in the child process and nowhere else.
"""

import logging
import os
import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonical_id, canonicalise
from models.autoencoders.checkpoint import load_autoencoder
from models.autoencoders.decoding import decode_many
from models.pretrained.additions import find_loadable
from models.pretrained.catalogue import InvalidCheckpoint, read_cards
from models.search import proposer
from models.search.autoencoder import Autoencoder
from models.search.pool import pool_of
from models.search.proposal import Prediction, ProposalBatch, ProposalRequest
from service.workers.decode_job import DecodeJob
from service.workers.worker import Decoding, Encoding

_log = logging.getLogger(__name__)

_MAX_THREADS = 8
"""Products of matrices this small do not get faster beyond it."""

_MAX_MODELS = 8
"""Checkpoints that are kept in memory; the one that was used longest ago makes room."""

_THREADS_VARIABLE = "OMP_NUM_THREADS"


class ModelHost:
    """Computes with checkpoints, which `load` gives by their hash; one call at a time."""

    def __init__(self, load: Callable[[str], Autoencoder]) -> None:
        self._autoencoder = lru_cache(maxsize=_MAX_MODELS)(load)

    def warm_up(self, models: Iterable[str]) -> None:
        """Load checkpoints and run each once, so that the first request finds everything in place.

        One that cannot be used is only logged: it fails the requests that name it and no others.
        """
        for model in models:
            try:
                autoencoder = self._autoencoder(model)
            except InvalidCheckpoint as error:
                _log.warning("%s", error)
                continue
            autoencoder.decode(torch.zeros(1, autoencoder.latent_size))
            pool_of(autoencoder)

    def encode(self, model: str, architectures: Sequence[Architecture]) -> list[Encoding]:
        canonical = [canonicalise(architecture) for architecture in architectures]
        distinct = list(dict.fromkeys(canonical))
        mean, log_var = self._autoencoder(model).encode(distinct)
        std = torch.exp(0.5 * log_var)
        encodings = {
            architecture: Encoding(architecture, canonical_id(architecture), tuple(mean_row), tuple(std_row))
            for architecture, mean_row, std_row in zip(distinct, mean.tolist(), std.tolist(), strict=True)
        }
        return [encodings[architecture] for architecture in canonical]

    def decode(self, model: str, jobs: Sequence[DecodeJob]) -> list[list[list[Decoding]]]:
        """For each job, for each of its latent points, the distinct decodings, the most frequent first.

        Each sampled job draws from its own seed, so its answer does not depend on what else is in the batch.
        """
        autoencoder = self._autoencoder(model)
        points = [_points(job, autoencoder.latent_size) for job in jobs]
        found = [_frequencies(autoencoder, point, job) for point, job in zip(points, jobs, strict=True)]
        distinct = list({architecture: None for job in found for point in job for architecture, _ in point})
        encoded = dict(zip(distinct, autoencoder.encode(distinct).mean, strict=True)) if distinct else {}
        return [
            [_decodings(decoded, point, encoded) for decoded, point in zip(job_found, job_points, strict=True)]
            for job_found, job_points in zip(found, points, strict=True)
        ]

    def predict(self, model: str, request: ProposalRequest, architectures: Sequence[Architecture]) -> list[Prediction]:
        return proposer.predict(self._autoencoder(model), request, architectures)

    def propose(self, model: str, request: ProposalRequest) -> ProposalBatch:
        return proposer.propose(self._autoencoder(model), request)


def open_model_host(device: str, *folders: Path) -> ModelHost:
    """The host of the checkpoints in the folders, and of those that wait there to be tried out.

    `device` is `auto` (CUDA where there is one), `cpu` or `cuda`; see `choose_device`.
    """
    if _THREADS_VARIABLE not in os.environ:
        torch.set_num_threads(sensible_threads(torch.get_num_threads()))
    chosen = choose_device(device)
    host = ModelHost(lambda model: load_autoencoder(find_loadable(model, *folders).path, chosen))
    # Those that a study gets when it names none; the others are loaded when they are first named.
    host.warm_up({card.space: card.hash for card in reversed(read_cards(*folders, strict=False))}.values())
    return host


def sensible_threads(cores: int) -> int:
    """Half the cores: the API and trainers want some, and on busy cores threads that wait for each other are slower than one."""
    return max(1, min(cores // 2, _MAX_THREADS))


def choose_device(device: str) -> torch.device:
    """The device of a name. Raises `ValueError` for an unknown name, and for CUDA on a machine without it."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", device):
        raise ValueError(f"expected the device 'auto', 'cpu', 'cuda' or 'cuda:N', got '{device}'")
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError(f"expected a CUDA device for '{device}', this machine has none; choose 'cpu' or 'auto'")
    if device.startswith("cuda:") and int(device[5:]) >= torch.cuda.device_count():
        raise ValueError(f"expected a CUDA device from cuda:0 to cuda:{torch.cuda.device_count() - 1}, got '{device}'")
    return torch.device(device)


def _points(job: DecodeJob, latent_size: int) -> Tensor:
    """The job's points, `n x latent_size`. Raises `ValueError` for a point of another length."""
    for latent in job.latents:
        if len(latent) != latent_size:
            raise ValueError(f"expected latent points of length {latent_size}, got one of length {len(latent)}")
    return torch.tensor(job.latents, dtype=torch.float32).reshape(len(job.latents), latent_size)


def _frequencies(autoencoder: Autoencoder, points: Tensor, job: DecodeJob) -> list[list[tuple[Architecture, float]]]:
    """What each of the points (`n x latent_size`) is decoded to, and how often."""
    if job.mode == "greedy":
        return [[(architecture, 1.0)] for architecture in autoencoder.decode(points)]
    return decode_many(autoencoder, points, job.samples, torch.Generator().manual_seed(job.seed))


def _decodings(found: list[tuple[Architecture, float]], point: Tensor, encoded: dict[Architecture, Tensor]) -> list[Decoding]:
    decodings = []
    for architecture, frequency in found:
        distance = float(torch.linalg.vector_norm(point - encoded[architecture]))
        decodings.append(Decoding(architecture, canonical_id(architecture), frequency, distance))
    return sorted(decodings, key=lambda decoding: (-decoding.frequency, decoding.canonical_id))
