"""What a checkpoint is measured on: graphs it was not trained on, from its own card or from a file of measurements."""

import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from models.architectures.architecture import Architecture
from models.datasets.enas_list import PUBLISHED_ROWS, published_enas_split
from models.datasets.measured import MeasuredArchitectures
from models.pretrained.catalogue import Card
from models.spaces.space import SearchSpace
from models.svge.datasets import HELD_OUT_SHARE, build_split

_ORIGIN = re.compile(
    r"(?:all )?(\d+) (?:architectures|distinct samples) of the space(?:, all that (\d+) wanted ones brought)?, seed (\d+)"
)


class UnknownTrainingData(ValueError):
    """A card does not say what can be held out of its training; give a file of architectures."""


class HeldOut(NamedTuple):
    """Graphs to measure on, the graphs that were trained on, and a sentence that says where both come from."""

    graphs: list[Architecture]
    trained_on: frozenset[Architecture]
    origin: str


class MeasuredSplit(NamedTuple):
    """Measurements to fit to and measurements to test on."""

    train: MeasuredArchitectures
    test: MeasuredArchitectures


def held_out_of_card(card: Card, space: SearchSpace) -> HeldOut:
    """The split that the checkpoint was trained on, built again from its card. Raises `UnknownTrainingData`."""
    sentence = str(card.details.get("data", ""))
    found = _ORIGIN.match(sentence)
    split = build_split(space, int(found[3]), int(found[2] or found[1])) if found else None
    if split is None or split.origin != sentence:
        raise UnknownTrainingData(
            f"the card of '{card.name}' says it was trained on '{sentence}', which cannot be built again from the space; "
            "give the file it was trained on with --data"
        )
    return HeldOut(split.held_out, frozenset(split.train), split.origin)


def held_out_of_data(card: Card, space: SearchSpace, measured: MeasuredArchitectures, seed: int) -> HeldOut:
    """The test part of a file of measurements, without what the checkpoint was trained on.

    A checkpoint that was trained on this file is measured on what its own seed held out of it, whatever `seed` says. Raises
    `UnknownTrainingData` where the card tells of another file, and where nothing is left.
    """
    sentence = str(card.details.get("data", ""))
    own = split_measured(measured, space, _training_seed(card))
    if own.train.source == sentence:
        return HeldOut(list(own.test.architectures), frozenset(own.train.architectures), own.test.source)
    trained_on = held_out_of_card(card, space).trained_on
    test = split_measured(measured, space, seed).test
    graphs = [architecture for architecture in test.architectures if architecture not in trained_on]
    if not graphs:
        raise UnknownTrainingData(
            f"'{card.name}' was trained on every architecture of the test part of {measured.source}; leave --data out"
        )
    return HeldOut(graphs, trained_on, test.source)


def split_measured(measured: MeasuredArchitectures, space: SearchSpace, seed: int) -> MeasuredSplit:
    """The papers' split of the ENAS list; of any other measurements a random tenth of the architectures is the test part."""
    if space.name == "enas_macro" and len(measured.rows) == PUBLISHED_ROWS:
        return MeasuredSplit(*published_enas_split(measured))
    count = len(measured.architectures)
    num_test = max(1, int(count * HELD_OUT_SHARE))
    is_test = np.zeros(count, dtype=bool)
    is_test[np.random.default_rng(seed).permutation(count)[:num_test]] = True
    in_test = is_test[measured.rows]
    return MeasuredSplit(
        measured.take(np.flatnonzero(~in_test), f"{count - num_test} architectures, drawn with seed {seed}, of {measured.source}"),
        measured.take(np.flatnonzero(in_test), f"{num_test} architectures, drawn with seed {seed}, of {measured.source}"),
    )


def _training_seed(card: Card) -> int:
    training = card.details.get("training")
    seed = training.get("seed") if isinstance(training, Mapping) else None
    return seed if isinstance(seed, int) else 0
