"""Adding to a folder: whole or not at all, one of several at once, and nothing of what was abandoned."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.pretrained.additions import (
    NameTaken,
    SpaceTaken,
    add_checkpoint,
    add_space,
    add_waiting_card,
    find_loadable,
    remove_abandoned,
    remove_checkpoint,
    waiting_place,
)
from models.pretrained.catalogue import Card, InvalidCheckpoint, UnknownModel, find_card, find_space, read_cards, spaces_in
from models.spaces.definition import Definition
from models.spaces.registry import space_names
from tests.fakes import checkpoint_bytes, write_model

MINE = Definition("mine", ("a", "b"), max_nodes=5)


def add(folder: Path, name: str, content: bytes, *others: Path) -> tuple[Card, bool]:
    with waiting_place(folder, name) as path:
        path.write_bytes(content)
        return add_checkpoint(add_waiting_card(path, (folder, *others)), folder, (folder, *others))


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """What each call returns or raises, all begun together."""
    barrier, results = threading.Barrier(len(calls)), [None] * len(calls)

    def run(place: int) -> None:
        barrier.wait()
        try:
            results[place] = calls[place]()
        except ValueError as error:
            results[place] = error

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_a_checkpoint_waits_unlisted_and_is_then_there(tmp_path: Path) -> None:
    content = checkpoint_bytes()
    with waiting_place(tmp_path, "first") as path:
        path.write_bytes(content)
        card = add_waiting_card(path, (tmp_path,))
        assert read_cards(tmp_path) == ()
        assert find_loadable(card.hash, tmp_path) == card
        added, is_new = add_checkpoint(card, tmp_path, (tmp_path,))
    assert is_new
    assert read_cards(tmp_path) == (added,)
    assert files(tmp_path) == {"first.json", "first.safetensors"}
    assert (tmp_path / "first.safetensors").read_bytes() == content
    assert add(tmp_path, "first", content) == (added, False)
    with pytest.raises(NameTaken, match=f"'first' is another checkpoint already, with the hash {added.hash}"):
        add(tmp_path, "first", checkpoint_bytes(seed=1))
    assert add(tmp_path, "second", content)[1]
    assert files(tmp_path) == {f"{name}.{kind}" for name in ("first", "second") for kind in ("json", "safetensors")}


def test_a_name_of_another_folder_is_taken_too(tmp_path: Path) -> None:
    shipped, uploads = tmp_path / "shipped", tmp_path / "uploads"
    shipped.mkdir()
    write_model(shipped, "cells", "nasbench101")
    with pytest.raises(NameTaken):
        add(uploads, "cells", checkpoint_bytes(), shipped)
    assert files(uploads) == set()


def test_what_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InvalidCheckpoint):
        add(tmp_path, "first", checkpoint_bytes()[:-1])
    assert files(tmp_path) == set()


def test_weights_that_a_crash_left_without_a_card_are_written_over(tmp_path: Path) -> None:
    (tmp_path / "first.safetensors").write_bytes(b"left over")
    assert add(tmp_path, "first", checkpoint_bytes())[1]
    assert read_cards(tmp_path)[0].name == "first"


def test_what_was_abandoned_goes_and_what_is_coming_stays(tmp_path: Path) -> None:
    with waiting_place(tmp_path, "old") as old, waiting_place(tmp_path, "new") as new:
        for path in (old, new):
            path.write_bytes(b"half")
        now = new.stat().st_mtime
        for path in (old, old.parent):
            os.utime(path, (now - 7200, now - 7200))
        remove_abandoned(tmp_path, now)
        assert not old.parent.exists()
        assert new.exists()
    remove_abandoned(tmp_path / "nowhere", now)


def test_of_several_at_once_under_one_name_one_is_added(tmp_path: Path) -> None:
    results = at_once([lambda seed=seed: add(tmp_path, "first", checkpoint_bytes(seed=seed)) for seed in range(6)])  # type: ignore[misc]
    added = [result for result in results if isinstance(result, tuple)]
    assert len(added) == 1
    assert sum(isinstance(result, NameTaken) for result in results) == 5
    assert read_cards(tmp_path) == (added[0][0],)
    assert files(tmp_path) == {"first.json", "first.safetensors"}


def test_of_several_definitions_at_once_one_is_added_whatever_brings_them(tmp_path: Path) -> None:
    definitions = [Definition("mine", ("a", "b"), max_nodes=size) for size in range(4, 10)]
    calls: list[Callable[[], Any]] = [lambda one=one: add_space(one, tmp_path, (tmp_path,)) for one in definitions[:3]]  # type: ignore[misc]
    for place, one in enumerate(definitions[3:]):
        content = checkpoint_bytes("mine", space_definition=one.to_mapping())
        calls.append(lambda place=place, content=content: add(tmp_path, f"model-{place}", content))  # type: ignore[misc]
    results = at_once(calls)
    assert sum(isinstance(result, SpaceTaken) for result in results) == 5
    assert len(spaces_in(tmp_path)) == len(space_names()) + 1


def test_a_space_is_found_by_its_file_and_again_changes_nothing(tmp_path: Path) -> None:
    assert add_space(MINE, tmp_path, (tmp_path,))[1]
    assert not add_space(MINE, tmp_path, (tmp_path,))[1]
    assert find_space("mine", tmp_path).operations == ("a", "b")
    assert files(tmp_path) == {"mine.space.yaml"}
    with pytest.raises(SpaceTaken, match="the space 'mine' is defined otherwise already"):
        add_space(Definition("mine", ("b", "a"), max_nodes=5), tmp_path, (tmp_path,))
    with pytest.raises(SpaceTaken, match="'nasbench101' is defined otherwise"):
        add_space(Definition("nasbench101", ("a",), max_nodes=5), tmp_path, (tmp_path,))


def test_labels_that_yaml_takes_for_something_else_come_back(tmp_path: Path) -> None:
    odd = Definition("null", ("no", "null", "1", "1.5", "0x10", "2024-01-01", "1e3"), max_nodes=5)
    add_space(odd, tmp_path, (tmp_path,))
    assert find_space("null", tmp_path).operations == odd.operations


def test_a_checkpoint_need_not_bring_a_definition_that_is_there(tmp_path: Path) -> None:
    add_space(MINE, tmp_path, (tmp_path,))
    (card, _) = add(tmp_path, "first", checkpoint_bytes("mine"))
    assert card.details["space_definition"] == MINE.to_mapping()
    short = {"name": "mine", "operations": ["a", "b"], "max_nodes": 5}
    (card, _) = add(tmp_path, "second", checkpoint_bytes("mine", seed=1, space_definition=short))
    assert card.details["space_definition"] == MINE.to_mapping()
    other = {**short, "max_nodes": 6}
    with pytest.raises(SpaceTaken):
        add(tmp_path, "third", checkpoint_bytes("mine", seed=2, space_definition=other))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (checkpoint_bytes("elsewhere"), "its space 'elsewhere' is not here and the file does not define it"),
        (checkpoint_bytes("mine", space_definition={**MINE.to_mapping(), "max_nodes": 1}), "cannot be used: 'max_nodes' must be"),
        (checkpoint_bytes("yours", space_definition=MINE.to_mapping()), "names the space 'yours', but defines 'mine'"),
        (checkpoint_bytes("nasbench101", space_definition={**MINE.to_mapping(), "name": "nasbench101"}), "is a space already"),
    ],
)
def test_a_space_that_a_checkpoint_cannot_have_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidCheckpoint, match=message):
        add(tmp_path, "first", content)
    assert files(tmp_path) == set()


def test_what_is_removed_is_gone_and_its_name_is_free(tmp_path: Path) -> None:
    card, _ = add(tmp_path, "first", checkpoint_bytes())
    remove_checkpoint(card)
    assert files(tmp_path) == set()
    with pytest.raises(UnknownModel):
        find_card("first", tmp_path)
    with pytest.raises(UnknownModel):
        find_loadable(card.hash, tmp_path)
    other, is_new = add(tmp_path, "first", checkpoint_bytes(seed=1))
    assert is_new
    assert find_card("first", tmp_path).hash == other.hash != card.hash


def test_readers_never_see_half_of_a_change(tmp_path: Path) -> None:
    """One adds and removes, others list all the while."""
    content = [checkpoint_bytes(seed=seed) for seed in range(10)]
    stop = threading.Event()

    def change() -> None:
        try:
            for one in content:
                remove_checkpoint(add(tmp_path, "first", one)[0])
        finally:
            stop.set()

    def look() -> int:
        seen = 0
        while not stop.is_set():
            seen += len(read_cards(tmp_path))
        return seen

    results = at_once([change, look, look])
    assert not any(isinstance(result, Exception) for result in results), results
