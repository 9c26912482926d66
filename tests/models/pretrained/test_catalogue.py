"""Cards that bring a space of their own: what a folder of checkpoints makes searchable, and contradictions between cards."""

import json
from pathlib import Path
from typing import Any

import pytest

from models.pretrained.catalogue import InvalidCheckpoint, find_space, read_card, read_cards, space_of, spaces_in
from models.spaces.registry import space_names
from models.spaces.space import UnknownSpace

MINE = {"name": "mine", "operations": ["a", "b"], "max_nodes": 5}


def write_card(folder: Path, name: str, space: str, **more: Any) -> Path:
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"space": space, "config": {"latent_size": 4}, **more}))
    path.with_suffix(".safetensors").write_bytes(name.encode())
    return path


def test_a_folder_adds_the_spaces_that_its_checkpoints_define(tmp_path: Path) -> None:
    write_card(tmp_path, "cells", "nasbench101")
    write_card(tmp_path, "first", "mine", space_definition=MINE)
    write_card(tmp_path, "second", "mine", space_definition=MINE)
    assert [space.name for space in spaces_in(tmp_path)] == [*space_names(), "mine"]
    mine = find_space("mine", tmp_path)
    assert mine.operations == ("a", "b")
    assert space_of(read_card(tmp_path / "second.json")) == mine
    assert space_of(read_card(tmp_path / "cells.json")) == find_space("nasbench101", tmp_path)


def test_an_unknown_space_is_answered_with_those_of_the_folder(tmp_path: Path) -> None:
    write_card(tmp_path, "first", "mine", space_definition=MINE)
    with pytest.raises(UnknownSpace, match="unknown search space 'yours'; expected one of enas_macro, .*, mine"):
        find_space("yours", tmp_path)


def test_two_definitions_of_one_space_are_refused(tmp_path: Path) -> None:
    write_card(tmp_path, "first", "mine", space_definition=MINE)
    write_card(tmp_path, "second", "mine", space_definition={**MINE, "max_nodes": 6})
    with pytest.raises(InvalidCheckpoint, match="'first' and 'second' define the space 'mine' differently; move one of them"):
        read_cards(tmp_path)


@pytest.mark.parametrize(
    ("space", "definition", "message"),
    [
        ("mine", {**MINE, "min_nodes": 9}, "'space_definition' in the card of 'bad' cannot be used: 'min_nodes' is 9"),
        ("mine", [], "cannot be used: expected the fields"),
        ("yours", MINE, "names the space 'yours', but defines 'mine'"),
        ("nasbench101", {**MINE, "name": "nasbench101"}, "is a space already"),
    ],
)
def test_a_damaged_definition_is_refused_when_the_card_is_read(space: str, definition: Any, message: str, tmp_path: Path) -> None:
    path = write_card(tmp_path, "bad", space, space_definition=definition)
    with pytest.raises(InvalidCheckpoint, match=message):
        read_card(path)


def test_a_space_that_is_not_here_is_named(tmp_path: Path) -> None:
    card = read_card(write_card(tmp_path, "lost", "elsewhere"))
    with pytest.raises(InvalidCheckpoint, match="'lost' was trained on a space that is not here"):
        space_of(card)
