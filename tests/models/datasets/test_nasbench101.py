"""NAS-Bench-101 records: means over the repeats, the choice of a budget, and records that are wrong."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.datasets.data_file import DataFileError
from models.datasets.loading import load_measured
from models.datasets.measured import MeasuredArchitectures
from models.spaces.enas_macro import EnasMacro
from models.spaces.nasbench101 import NasBench101
from models.spaces.nasbench101_cells import decode_cell, load_codes
from tests.models.datasets.nasbench101_files import CHAIN, DIAMOND, MIRRORED, metrics, record, repeats, tfrecord

SPACE = NasBench101()


def load(folder: Path, payloads: Sequence[bytes], epochs: int | None = None) -> MeasuredArchitectures:
    path = folder / "nasbench.tfrecord"
    path.write_bytes(tfrecord(payloads))
    return load_measured(path, SPACE, epochs=epochs)


def test_a_cell_has_the_mean_of_its_repeats(tmp_path: Path) -> None:
    measured = load(tmp_path, [*repeats(DIAMOND, [0.90, 0.91, 0.95]), *repeats(CHAIN, [0.5, 0.7])])
    assert measured.architectures == (SPACE.parse_native(DIAMOND), SPACE.parse_native(CHAIN))
    assert measured.counts.tolist() == [3, 2]
    assert measured.metrics == ("validation_accuracy", "test_accuracy", "trainable_parameters", "training_seconds")
    np.testing.assert_allclose(measured.metric("validation_accuracy"), [0.92, 0.60])
    np.testing.assert_allclose(measured.metric("test_accuracy"), [0.91, 0.59])
    np.testing.assert_allclose(measured.metric("training_seconds"), [101.0, 100.5])
    assert measured.metric("trainable_parameters").tolist() == [1_000, 1_000]
    assert measured.row_values["validation_accuracy"].tolist() == [0.90, 0.91, 0.95, 0.5, 0.7]
    assert measured.source == "5 trainings of 2 NAS-Bench-101 cells for 108 epochs, from nasbench.tfrecord"


def test_isomorphic_cells_are_one(tmp_path: Path) -> None:
    measured = load(tmp_path, [*repeats(DIAMOND, [0.8]), *repeats(MIRRORED, [0.9])])
    assert measured.counts.tolist() == [2]
    np.testing.assert_allclose(measured.metric("validation_accuracy"), [0.85])


@pytest.mark.parametrize("order", [(4, 12, 36, 108), (108, 36, 12, 4), (36, 108, 4, 12)])
def test_the_largest_budget_counts_unless_another_is_given(tmp_path: Path, order: tuple[int, ...]) -> None:
    payloads = [payload for epochs in order for payload in repeats(DIAMOND, [epochs / 1_000] * 3, epochs)]
    assert load(tmp_path, payloads).row_values["validation_accuracy"].tolist() == [0.108] * 3
    for epochs in order:
        assert load(tmp_path, payloads, epochs).row_values["validation_accuracy"].tolist() == [epochs / 1_000] * 3


def test_a_budget_that_is_not_there_is_named(tmp_path: Path) -> None:
    payloads = [*repeats(DIAMOND, [0.5], 4), *repeats(DIAMOND, [0.5], 108)]
    with pytest.raises(DataFileError, match=r"expected trainings of 36 epochs, found \[4, 108\]; choose one of these"):
        load(tmp_path, payloads, 36)


def test_the_spelling_of_the_json_does_not_count(tmp_path: Path) -> None:
    parts = json.loads(record(DIAMOND, metrics(0.9, 0.8)))
    spellings = [
        json.dumps(parts, separators=(",", ":")),
        json.dumps(parts, indent=1),
        json.dumps(["ABC", *parts[1:]]),
        json.dumps([*parts[:4], base64.encodebytes(metrics(0.9, 0.8)).decode()]),
    ]
    measured = load(tmp_path, [spelling.encode() for spelling in spellings])
    assert measured.row_values["validation_accuracy"].tolist() == [0.9] * 4


def test_cells_of_the_space_come_back_whatever_the_order_of_their_nodes(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    cells = [decode_cell(int(code)) for code in rng.choice(load_codes(), 60, replace=False)]
    payloads = [record(relabelled(SPACE.format_native(cell), rng), metrics(0.9, 0.8)) for cell in cells]
    assert list(load(tmp_path, payloads).architectures) == cells


def relabelled(native: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    last = len(native["ops"]) - 1
    order = [0, *(rng.permutation(last - 1) + 1).tolist(), last] if last > 1 else list(range(last + 1))
    return {
        "matrix": [[native["matrix"][row][column] for column in order] for row in order],
        "ops": [native["ops"][node] for node in order],
    }


def changed(place: int, value: Any) -> bytes:
    parts = json.loads(record(DIAMOND, metrics(0.9, 0.8)))
    parts[place] = value
    return json.dumps(parts).encode()


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"not json", "expected a JSON list, got b'not json'"),
        (b"\xff\xfe\x00", "expected a JSON list"),
        (b"[" * 100_000, "expected a JSON list"),
        (b"{}", r"expected a NAS-Bench-101 record \[hash, epochs, matrix, operations, metrics\], got b'{}'"),
        (b'["a", 108]', "expected a NAS-Bench-101 record"),
        (changed(1, "108"), "expected a NAS-Bench-101 record"),
        (changed(2, "01101"), "expected a square matrix of zeros and ones, got '01101'"),
        (changed(2, "0120000010000000"), "expected a square matrix of zeros and ones"),
        (changed(2, "0" * 16), "expected a cell of NAS-Bench-101: no path leads from the input to the output"),
        (changed(3, "input,conv7x7,conv3x3-bn-relu,output"), "expected a cell of NAS-Bench-101: expected a list of"),
        (changed(3, "input,output"), "expected a cell of NAS-Bench-101: expected 2 rows"),
        (changed(4, "abc"), "expected a ModelMetrics message in base64"),
        (changed(4, ""), "expected a ModelMetrics message in base64: expected evaluations"),
    ],
)
def test_a_wrong_record_is_named(tmp_path: Path, payload: bytes, reason: str) -> None:
    with pytest.raises(DataFileError, match=f"'nasbench.tfrecord', record 2: {reason}"):
        load(tmp_path, [*repeats(CHAIN, [0.5]), payload])


def test_the_records_belong_to_their_space(tmp_path: Path) -> None:
    (tmp_path / "nasbench.tfrecord").write_bytes(tfrecord(repeats(DIAMOND, [0.5])))
    with pytest.raises(DataFileError, match="expected measurements of 'enas_macro', got NAS-Bench-101 records; load them for"):
        load_measured(tmp_path / "nasbench.tfrecord", EnasMacro())
