"""Cards that bring a space of their own: what folders of checkpoints make searchable, as they change, and contradictions."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.pretrained.catalogue import (
    InvalidCheckpoint,
    default_card,
    find_card,
    find_space,
    read_card,
    read_cards,
    space_of,
    spaces_in,
)
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


def test_a_file_defines_a_space_without_a_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "mine.space.yaml").write_text(json.dumps(MINE))
    assert find_space("mine", tmp_path).operations == ("a", "b")
    assert read_cards(tmp_path) == ()
    write_card(tmp_path, "first", "mine", space_definition={**MINE, "min_nodes": 2})
    assert [space.name for space in spaces_in(tmp_path)] == [*space_names(), "mine"]
    write_card(tmp_path, "second", "mine", space_definition={**MINE, "min_nodes": 3})
    with pytest.raises(InvalidCheckpoint, match=r"'mine.space.yaml' and 'second' define the space 'mine' differently"):
        spaces_in(tmp_path)


def test_a_damaged_file_of_a_space_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.space.yaml").write_text("name: mine")
    with pytest.raises(InvalidCheckpoint, match=r"mine.space.yaml' cannot be used: the field 'operations' is missing"):
        read_cards(tmp_path)


def test_folders_are_read_in_their_order_and_know_each_others_names(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder, name in ((first, "z"), (second, "a")):
        folder.mkdir()
        write_card(folder, name, "nasbench101")
    assert [card.name for card in read_cards(first, second, tmp_path / "nowhere")] == ["z", "a"]
    assert default_card("nasbench101", first, second).name == "z"
    assert find_card("a", first, second).path == second / "a.safetensors"
    write_card(second, "z", "nasbench201")
    with pytest.raises(InvalidCheckpoint, match=r"first/z.safetensors' and '.*second/z.safetensors' have one name; rename"):
        read_cards(first, second)


def test_what_changes_in_a_folder_is_seen(tmp_path: Path) -> None:
    assert read_cards(tmp_path) == ()
    path = write_card(tmp_path, "first", "nasbench101")
    (card,) = read_cards(tmp_path)
    path.with_suffix(".safetensors").write_bytes(b"other weights")
    (other,) = read_cards(tmp_path)
    assert other.hash != card.hash
    path.unlink()
    assert read_cards(tmp_path) == ()


def test_what_does_not_change_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_card(tmp_path, "first", "nasbench101")
    (card,) = read_cards(tmp_path)
    write_card(tmp_path, "second", "nasbench101")
    opened = []
    monkeypatch.setattr(
        "models.pretrained.catalogue.read_card", lambda path: opened.append(path.name) or replace(card, name=path.stem)
    )
    assert [one.name for one in read_cards(tmp_path)] == ["first", "second"]
    assert [one.name for one in read_cards(tmp_path)] == ["first", "second"]
    assert opened == ["second.json"]
