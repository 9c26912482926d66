"""Rows: every form of an architecture is the same architecture, and numbers are told from other fields."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

import models
from models.architectures.architecture import Architecture
from models.architectures.formats import to_json
from models.datasets.data_file import DataFile, DataFileError, open_data_file
from models.datasets.rows import FORMS, MetricColumns, architecture_of, form_of
from models.spaces.enas_macro import EnasMacro
from models.spaces.nasbench101 import NasBench101
from models.spaces.nasbench201 import NasBench201
from models.spaces.registry import get_space
from tests.models.datasets.nasbench101_files import DIAMOND
from tests.strategies import architectures

NONE_CELL = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataFile]:
    path: Path = tmp_path_factory.mktemp("rows") / "rows.csv"
    path.write_bytes(b"x")
    with open_data_file(path) as file:
        yield file


@given(architectures())
def test_every_form_is_read_as_a_value_and_as_its_text(data: DataFile, architecture: Architecture) -> None:
    space, graph = get_space(architecture.space), to_json(architecture)
    native = space.format_native(architecture)
    rows: list[dict[str, Any]] = [{"nodes": graph["nodes"], "edges": graph["edges"]}, {"architecture": graph}]
    rows += [{field: native} for field in ("native", "architecture", "arch", "arch_str", "structure")]
    if space.name == "nasbench101":
        rows += [{"matrix": native["matrix"], "ops": native["ops"]}]
        rows += [{"module_adjacency": native["matrix"], "module_operations": native["ops"]}]
    for row in rows:
        text = {field: value if isinstance(value, str) else json.dumps(value) for field, value in row.items()}
        for either in (row, text, {**text, "space": space.name}):
            assert architecture_of(data, either, form_of(data, either, "line 2"), space, "line 2") == architecture


def test_the_first_form_counts(data: DataFile) -> None:
    assert form_of(data, ["structure", "accuracy", "native"], "line 1") == ("native",)
    assert form_of(data, ["matrix", "edges", "ops"], "line 1") == ("matrix", "ops")
    with pytest.raises(
        DataFileError, match=r"line 1: no field holds the architecture: expected one of nodes\+edges.*got matrix, seed"
    ):
        form_of(data, ["matrix", "seed"], "line 1")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"native": "[[1], [4"}, "expected JSON, got"),
        ({"native": "[" * 100_000}, "expected JSON, got"),
        ({"native": None}, "expected an object with 'matrix' and 'ops'"),
        ({"native": NONE_CELL}, "it is one of 'nasbench201', so load the file for that space"),
        ({"native": "[[1],[4,0],[5,0,0],[0,1,1,1],[2,1,1,1,1],[3,0,0,0,0,1]]"}, "it is one of 'enas_macro', so load"),
        ({"native": json.dumps(DIAMOND), "space": "cells"}, "expected a row of 'nasbench101', got one of 'cells'"),
        ({"nodes": "input,output", "edges": "[[0, 1]]"}, "expected a list of labels, got"),
        ({"nodes": ["input", "output"], "edges": None}, "expected a list of .* pairs"),
        ({"nodes": ["input", "conv7x7", "output"], "edges": [[0, 1], [1, 2]]}, "unknown operation 'conv7x7'"),
        ({"architecture": {"space": "other", "nodes": ["input", "output"], "edges": [[0, 1]]}}, "got one of 'other'"),
        ({"matrix": [[0, 1], [0, 0]], "ops": ["input"]}, "expected 1 rows of 1"),
    ],
)
def test_what_is_no_architecture_of_the_space_is_named(data: DataFile, row: dict[str, Any], reason: str) -> None:
    form = next(form for form in FORMS if all(field in row for field in form))
    with pytest.raises(DataFileError, match=rf"'rows.csv', line 7: '[a-z+]+' is no architecture of 'nasbench101': .*{reason}"):
        architecture_of(data, row, form, NasBench101(), "line 7")


def test_a_network_of_another_depth_is_another_space(data: DataFile) -> None:
    with pytest.raises(DataFileError, match="expected exactly 8 nodes .* got 4"):
        architecture_of(data, {"native": "[[1],[4,0]]"}, ("native",), EnasMacro(), "line 2")
    two = EnasMacro(num_layers=2)
    assert architecture_of(data, {"native": "[[1],[4,0]]"}, ("native",), two, "line 2") == two.parse_native([[1], [4, 0]])


def test_numbers_are_measurements_and_the_rest_is_not(data: DataFile) -> None:
    columns = MetricColumns(("native",))
    first = {"native": "1", "accuracy": "0.5", "loss": 2, "worker": "gpu", "done": True, "seconds": "", "tags": [1], "note": None}
    assert columns.values_of(data, first, "line 2") == {"accuracy": 0.5, "loss": 2.0}
    second = {"native": "1", "accuracy": "", "loss": None, "worker": "7", "done": 1, "seconds": "3e2", "tags": 1, "note": "nan"}
    assert columns.values_of(data, second, "line 3") == {"seconds": 300.0}
    assert columns.values_of(data, {"native": "1", "accuracy": "NaN", "note": "5"}, "line 4") == {"note": 5.0}


@pytest.mark.parametrize("value", ["0.5x", "0,5", "failed", True, [0.5]])
def test_text_among_numbers_is_refused(data: DataFile, value: Any) -> None:
    columns = MetricColumns(("native",))
    columns.values_of(data, {"accuracy": 0.5}, "line 2")
    with pytest.raises(
        DataFileError, match="line 3: 'accuracy' held numbers so far, got .*; correct it, leave it empty, or remove"
    ):
        columns.values_of(data, {"accuracy": value}, "line 3")


@pytest.mark.parametrize("value", ["inf", "-1e999", 10**400])
def test_what_is_not_finite_is_refused(data: DataFile, value: Any) -> None:
    with pytest.raises(DataFileError, match="line 2: 'accuracy' must be a finite number"):
        MetricColumns(("native",)).values_of(data, {"accuracy": value}, "line 2")


def test_a_nasbench201_string_is_not_taken_for_json(data: DataFile) -> None:
    row = {"arch_str": NONE_CELL}
    space = NasBench201()
    assert space.format_native(architecture_of(data, row, ("arch_str",), space, "line 2")) == NONE_CELL


def test_every_form_is_documented() -> None:
    documentation = (Path(models.__file__).parents[1] / "docs" / "data.md").read_text(encoding="utf-8")
    assert [field for form in FORMS for field in form if f"`{field}`" not in documentation] == []
