"""The ENAS list: its text form, its burn-in, and the papers' split of the real one."""

import csv
import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.datasets.data_file import DataFileError
from models.datasets.enas_list import ACCURACY, WrongRows, published_enas_split
from models.datasets.loading import load_measured
from models.datasets.measured import MeasuredArchitectures
from models.spaces.enas_macro import EnasMacro

SPACE = EnasMacro()


def structures(count: int) -> list[list[list[int]]]:
    rng = np.random.default_rng(0)
    return [SPACE.format_native(SPACE.sample(rng)) for _ in range(count)]


def text_of(rows: list[list[list[int]]]) -> str:
    return "".join(f"{row}, {number / 10_000}\n" for number, row in enumerate(rows))


@pytest.fixture(scope="module")
def published_rows(shared_data: Callable[[str], Path]) -> list[tuple[str, float]]:
    with shared_data("enas_macro_6layers.csv").open(newline="") as file:
        return [(row["structure"], float(row["weight_sharing_accuracy"])) for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def published(shared_data: Callable[[str], Path]) -> MeasuredArchitectures:
    return load_measured(shared_data("enas_macro_6layers.csv"), SPACE)


def test_the_text_and_the_csv_are_one_list(tmp_path: Path) -> None:
    rows = structures(40)
    (tmp_path / "list.txt").write_text(text_of(rows), encoding="utf-8")
    with (tmp_path / "list.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["structure", ACCURACY])
        writer.writerows((json.dumps(row), number / 10_000) for number, row in enumerate(rows))
    for name in ("list.txt", "list.csv"):
        measured = load_measured(tmp_path / name, SPACE, burn_in=10)
        assert [SPACE.format_native(measured.architectures[place]) for place in measured.rows] == rows[10:]
        assert measured.row_values[ACCURACY].tolist() == [number / 10_000 for number in range(10, 40)]
        assert measured.source == f"30 measurements of 30 architectures of 'enas_macro', from {name} without the first 10 rows"


def test_the_burn_in_is_a_thousand_rows_unless_another_is_given(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text(text_of(structures(1_003)), encoding="utf-8")
    assert load_measured(path, SPACE).row_values[ACCURACY].tolist() == [0.1, 0.1001, 0.1002]
    assert len(load_measured(path, SPACE, burn_in=0).rows) == 1_003
    path.write_text(text_of(structures(1_000)), encoding="utf-8")
    with pytest.raises(DataFileError, match="expected more than the 1000 rows of the burn-in, got 1000; pass burn_in=0 to keep"):
        load_measured(path, SPACE)


@pytest.mark.parametrize("end", ["[[1], [4, 0]", "[[1], [4, 0], 0.7", "0.73", "[[1]] 0.7"])
def test_a_line_that_is_cut_is_named(tmp_path: Path, end: str) -> None:
    path = tmp_path / "list.txt"
    path.write_text(text_of(structures(2)) + end, encoding="utf-8")
    with pytest.raises(DataFileError, match=r"'list.txt', line 3: expected '\[\[…\], …\], accuracy', got .*; is the file whole\?"):
        load_measured(path, SPACE, burn_in=0)


def test_the_published_list_is_whole(published: MeasuredArchitectures, published_rows: list[tuple[str, float]]) -> None:
    kept = published_rows[1_000:]
    assert len(published.rows) == len(kept) == 19_020
    assert len(published.architectures) == 19_015
    assert published.metrics == (ACCURACY,)
    assert [json.dumps(SPACE.format_native(published.architectures[place]), separators=(",", ":")) for place in published.rows] == [
        structure for structure, _ in kept
    ]
    assert published.row_values[ACCURACY].tolist() == [accuracy for _, accuracy in kept]


def test_a_structure_that_was_measured_twice_has_the_mean(
    published: MeasuredArchitectures, published_rows: list[tuple[str, float]]
) -> None:
    twice = np.flatnonzero(published.counts == 2).tolist()
    assert len(twice) == 5
    assert published.counts.sum() == 19_020
    for place in twice:
        text = json.dumps(SPACE.format_native(published.architectures[place]), separators=(",", ":"))
        known = [accuracy for structure, accuracy in published_rows[1_000:] if structure == text]
        assert len(known) == 2
        assert published.metric(ACCURACY)[place] == pytest.approx(sum(known) / 2)


def test_the_published_split_shuffles_the_rows_of_the_file(
    published: MeasuredArchitectures, published_rows: list[tuple[str, float]]
) -> None:
    split = published_enas_split(published)
    shuffled = published_rows[1_000:]
    random.Random(0).shuffle(shuffled)
    expected = (shuffled[: int(19_020 * 0.9)], shuffled[int(19_020 * 0.9) :])
    assert [len(part.rows) for part in split] == [17_118, 1_902]
    for part, rows in zip(split, expected, strict=True):
        assert part.row_values[ACCURACY].tolist() == [accuracy for _, accuracy in rows]
        some = slice(None, None, 10)
        assert [part.architectures[place] for place in part.rows[some]] == [SPACE.parse_native(row) for row, _ in rows[some]]
    assert len(set(split.train.architectures) & set(split.test.architectures)) == 1


def test_only_the_published_rows_have_the_published_split(published: MeasuredArchitectures) -> None:
    with pytest.raises(WrongRows, match="expected the 19020 rows of the published list after its burn-in, got 5"):
        published_enas_split(published.take(range(5), "five"))
