"""One decode request, as it crosses into the model process."""

from dataclasses import dataclass

from service.workers.worker import DecodeMode


@dataclass(frozen=True, slots=True)
class DecodeJob:
    """Latent points to decode `samples` times each, drawn from `seed`; the greedy mode decodes each once and draws nothing."""

    latents: tuple[tuple[float, ...], ...]
    samples: int
    mode: DecodeMode
    seed: int
