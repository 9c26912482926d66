"""Proposals without the model: architectures drawn uniformly from the space, when no fresh proposal comes in time."""

import hashlib

import numpy as np

from models.architectures.canonical import canonical_id, canonicalise
from models.search.costs import costs_of, largest_costs
from models.spaces.space import SearchSpace
from service.storage.values import Origin, StudySettings
from service.studies.grants import Offer

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
    drawn = list(dict.fromkeys(canonicalise(space.sample(rng)) for _ in range(count)))
    largest = largest_costs(settings.limits)
    if largest is not None:
        drawn = [drawn[place] for place in np.flatnonzero((costs_of(drawn) <= largest).all(axis=1)).tolist()]
    return [Offer(architecture, canonical_id(architecture), Origin("fallback")) for architecture in drawn]
