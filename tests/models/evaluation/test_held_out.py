from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.datasets.loading import load_measured
from models.datasets.measured import MeasuredArchitectures, Measurements
from models.evaluation.held_out import UnknownTrainingData, held_out_of_card, held_out_of_data, split_measured
from models.pretrained.catalogue import Card, read_cards, space_of
from models.spaces.enas_macro import EnasMacro
from models.svge.datasets import build_split

SPACE = EnasMacro(num_layers=2)
SPLIT = build_split(SPACE, seed=3)
CARD = Card("tiny", SPACE.name, 4, "0" * 64, Path("tiny.safetensors"), {"data": SPLIT.origin})


def measurements(repeats: int = 1) -> MeasuredArchitectures:
    found = Measurements()
    for repeat in range(repeats):
        for place, architecture in enumerate(SPACE.enumerate()):
            found.add(architecture, {"acc": place + repeat})
    return found.build("all of a small space")


def trained_on_file(seed: int) -> Card:
    train = split_measured(measurements(), SPACE, seed).train
    return replace(CARD, details={"data": train.source, "training": {"seed": seed}})


def test_the_split_of_a_card_is_built_again() -> None:
    held_out = held_out_of_card(CARD, SPACE)
    assert held_out.graphs == SPLIT.held_out
    assert held_out.trained_on == set(SPLIT.train)


@pytest.mark.parametrize("sentence", ["", "a file", SPLIT.origin.replace("all 72", "all 73"), SPLIT.origin + ", shuffled"])
def test_a_card_that_tells_of_anything_else_is_refused(sentence: str) -> None:
    with pytest.raises(UnknownTrainingData, match="--data"):
        held_out_of_card(replace(CARD, details={"data": sentence}), SPACE)


@pytest.mark.parametrize("card", read_cards(), ids=lambda card: card.name)
def test_what_a_shipped_checkpoint_was_trained_on_can_be_built_again_or_is_asked_for(card: Card) -> None:
    space = space_of(card)
    if " of the space" not in card.details["data"]:
        with pytest.raises(UnknownTrainingData, match="give the file it was trained on with --data"):
            held_out_of_card(card, space)
        return
    held_out = held_out_of_card(card, space)
    assert held_out.origin == card.details["data"]
    assert held_out.graphs
    assert not set(held_out.graphs) & held_out.trained_on


def test_what_was_trained_on_is_taken_out_of_the_test_part_of_a_file() -> None:
    expected = set(split_measured(measurements(), SPACE, 0).test.architectures) - set(SPLIT.train)
    if expected:
        assert set(held_out_of_data(CARD, SPACE, measurements(), 0).graphs) == expected
    everything = replace(CARD, details={"data": build_split(SPACE, 5).origin})
    kept = [held_out_of_data(everything, SPACE, measurements(), seed).graphs for seed in (1, 2, 3) if _leaves(everything, seed)]
    assert all(not set(graphs) & set(build_split(SPACE, 5).train) for graphs in kept)


def _leaves(card: Card, seed: int) -> bool:
    return bool(set(split_measured(measurements(), SPACE, seed).test.architectures) - held_out_of_card(card, SPACE).trained_on)


def test_a_file_of_nothing_but_training_graphs_is_refused() -> None:
    found = Measurements()
    for architecture in SPLIT.train:
        found.add(architecture, {"acc": 1.0})
    with pytest.raises(UnknownTrainingData, match="leave --data out"):
        held_out_of_data(CARD, SPACE, found.build("training graphs"), 0)


def test_a_checkpoint_trained_on_a_file_is_measured_on_what_it_held_out_of_it() -> None:
    held_out = held_out_of_data(trained_on_file(seed=7), SPACE, measurements(), seed=0)
    train, test = split_measured(measurements(), SPACE, 7)
    assert held_out.graphs == list(test.architectures)
    assert held_out.trained_on == set(train.architectures)
    with pytest.raises(UnknownTrainingData, match="the file it was trained on"):
        held_out_of_data(trained_on_file(seed=7), SPACE, replace(measurements(), source="another file"), seed=0)


def test_no_architecture_is_on_both_sides_however_often_it_was_measured() -> None:
    train, test = split_measured(measurements(repeats=3), SPACE, 0)
    assert not set(train.architectures) & set(test.architectures)
    assert len(train.architectures) + len(test.architectures) == 72
    assert len(test.architectures) == 7
    np.testing.assert_array_equal(test.counts, 3)


def test_the_enas_list_is_split_as_published(shared_data: Callable[[str], Path]) -> None:
    space = EnasMacro()
    train, test = split_measured(load_measured(shared_data("enas_macro_6layers.csv"), space), space, seed=5)
    assert (len(train.rows), len(test.rows)) == (17_118, 1_902)
