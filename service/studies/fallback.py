"""Proposals without the model: architectures drawn uniformly from the space, when no fresh proposal comes in time."""

import hashlib

import numpy as np

from models.architectures.canonical import canonical_id, canonicalise
from models.spaces.space import SearchSpace
from service.storage.values import Origin, StudySettings
from service.studies.grants import Offer
from service.studies.objectives import is_within

_STREAM = 1


def proposal_seed(study_seed: int, trials_created: int) -> int:
    """The seed of a study's next proposals, the same whenever the study stands at the same trial."""
    return int(np.random.SeedSequence((study_seed, trials_created)).generate_state(1, np.uint32)[0])


def random_offers(
    space: SearchSpace, settings: StudySettings, trials_created: int, worker: str, attempt: int, count: int
) -> list[Offer]:
    """At most `count` distinct architectures within the study's limits, the same for equal arguments, and others for workers that
    ask at the same time.
    """
    stream = int.from_bytes(hashlib.sha256(worker.encode()).digest()[:8])
    rng = np.random.default_rng((settings.seed, trials_created, _STREAM, stream, attempt))
    drawn = {canonical_id(architecture): architecture for architecture in (space.sample(rng) for _ in range(count))}
    within = {key: architecture for key, architecture in drawn.items() if is_within(settings.limits, canonicalise(architecture))}
    return [Offer(architecture, key, Origin("fallback")) for key, architecture in within.items()]
