"""CSV, JSON and JSON lines: the same rows from each, with their places, and files that are damaged."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.datasets.data_file import DataFile, DataFileError, open_data_file
from models.datasets.rows import Row
from models.datasets.tables import csv_rows, json_line_rows, json_rows

Reader = Callable[[DataFile], Iterator[tuple[str, Row]]]

cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
tables = st.lists(st.fixed_dictionaries({"arch": cells, "accuracy": cells}), min_size=1, max_size=5)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tables") / "table"


def read(reader: Reader, path: Path, content: bytes) -> list[tuple[str, Row]]:
    path.write_bytes(content)
    with open_data_file(path) as data:
        return list(reader(data))


@settings(max_examples=40)
@given(tables, st.sampled_from(",;\t"))
def test_csv_is_read_as_it_was_written(path: Path, rows: list[dict[str, str]], delimiter: str) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["arch", "accuracy"], delimiter=delimiter, quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)
    assert [row for _, row in read(csv_rows, path, path.read_bytes())] == rows


@settings(max_examples=40)
@given(tables)
def test_json_is_read_as_it_was_written(path: Path, rows: list[dict[str, str]]) -> None:
    lines = "\n".join(json.dumps(row) for row in rows).encode()
    assert read(json_line_rows, path, lines) == [(f"line {number}", row) for number, row in enumerate(rows, start=1)]
    expected = [(f"row {number}", row) for number, row in enumerate(rows, start=1)]
    assert read(json_rows, path, json.dumps(rows, indent=2).encode()) == expected
    assert read(json_rows, path, json.dumps(rows[0]).encode()) == expected[:1]


def test_a_mapping_from_architectures_is_read(path: Path) -> None:
    assert read(json_rows, path, b'{"|a~0|": 0.5, "|b~0|": {"val": 0.6, "test": 0.7}}') == [
        ("row 1", {"value": 0.5, "native": "|a~0|"}),
        ("row 2", {"val": 0.6, "test": 0.7, "native": "|b~0|"}),
    ]


def test_empty_lines_are_passed_over_and_counted(path: Path) -> None:
    assert read(csv_rows, path, b"arch,x\n\na,1\n\n\nb,2\n\n") == [
        ("line 3", {"arch": "a", "x": "1"}),
        ("line 6", {"arch": "b", "x": "2"}),
    ]
    assert read(json_line_rows, path, b'\n{"arch": "a"}\n\n{"arch": "b"}') == [
        ("line 2", {"arch": "a"}),
        ("line 4", {"arch": "b"}),
    ]


def test_spaces_around_the_names_of_columns_do_not_count(path: Path) -> None:
    assert read(csv_rows, path, b"arch, x\r\na,1") == [("line 2", {"arch": "a", "x": "1"})]


@pytest.mark.parametrize(
    ("reader", "content", "reason"),
    [
        (csv_rows, b"arch,x\na,1\nb\n", r"line 3: expected 2 columns, got 1; is the file whole\?"),
        (csv_rows, b"arch,x\na,1,2\n", "line 2: expected 2 columns, got 3"),
        (csv_rows, b'arch,x\na,1\n"[[1], [4', r"line 3: expected CSV: unexpected end of data; is the file whole\?"),
        (csv_rows, b'arch,x\n"a"b,1\n', "line 2: expected CSV: ',' expected after '\"'"),
        (csv_rows, b"arch,x,x\na,1,2\n", "line 1: expected the names of the columns, each once, got 'arch,x,x'"),
        (csv_rows, b"\narch,x\na,1\n", "line 1: expected the names of the columns"),
        (csv_rows, b"arch,x\n\xff,1\n", "expected UTF-8 text"),
        (json_line_rows, b'{"arch": "a"}\n{"arch": "b', r"line 2: expected JSON: .*; is the file whole\?"),
        (json_line_rows, b'{"arch": "a"}\n3\n', "line 2: expected a JSON object with the architecture and its measurements, got 3"),
        (json_line_rows, b"[" * 100_000, "line 1: expected JSON"),
        (json_rows, b'[{"arch": "a"}, {"arch": "b"', "expected JSON: .*line 1 column"),
        (json_rows, b'[{"arch": "a"}, 3]', "row 2: expected a JSON object"),
        (json_rows, b"[[1], [2]]", "row 1: expected a JSON object"),
    ],
)
def test_damage_is_named_with_its_place(path: Path, reader: Reader, content: bytes, reason: str) -> None:
    with pytest.raises(DataFileError, match=f"'table'(:|,) {reason}"):
        read(reader, path, content)
