"""NAS-Bench-101 as it is published: a TFRecord file with one record for each training run of each cell.

A record is the JSON list of the cell's hash, the epochs it was trained for, its matrix as a string of zeros and ones, its
operations with commas between them, and a `ModelMetrics` message in base64. The full file holds every cell trained three times
for 4, 12, 36 and 108 epochs, the smaller one the 108 epochs alone. Ying et al., "NAS-Bench-101: towards reproducible neural
architecture search" (2019).
"""

import base64
import binascii
import json
import math
import re
from typing import Any, NamedTuple

from models.architectures.architecture import Architecture, InvalidArchitecture
from models.datasets.data_file import DataFile
from models.datasets.measured import MeasuredArchitectures, Measurements
from models.datasets.model_metrics import MalformedMetrics, read_training_run
from models.datasets.tfrecord import read_records
from models.spaces.space import SearchSpace

_START = re.compile(rb'\["[0-9a-f]*",\s*(\d+),')


class _Record(NamedTuple):
    """The parts of a record that are used."""

    epochs: int
    adjacency: str
    operations: str
    metrics: str


def read_nasbench101(data: DataFile, space: SearchSpace, epochs: int | None = None) -> MeasuredArchitectures:
    """The runs of `epochs` epochs, or of the most epochs in the file: one row a run, accuracies as fractions.

    Runs of other budgets are passed over before they are decoded; the file is never held whole. Raises `DataFileError`.
    """
    if space.name != "nasbench101":
        raise data.error(
            f"expected measurements of '{space.name}', got NAS-Bench-101 records; load them for the space 'nasbench101'"
        )
    measurements, budget = Measurements(), epochs or 0
    cells: dict[str, Architecture] = {}
    seen: set[int] = set()
    for number, payload in enumerate(read_records(data), start=1):
        found = _epochs(data, payload, number)
        seen.add(found)
        if epochs is None and found > budget:
            measurements, budget = Measurements(), found
        if found != budget:
            continue
        record = _decode(data, payload, number)
        key = f"{record.adjacency} {record.operations}"
        if key not in cells:
            cells[key] = _cell(data, record, space, number)
        measurements.add(cells[key], _values(data, record, number))
    if not measurements:
        raise data.error(f"expected trainings of {epochs} epochs, found {sorted(seen)}; choose one of these")
    runs = f"{len(measurements)} trainings of {measurements.num_architectures} NAS-Bench-101 cells for {budget} epochs"
    return measurements.build(f"{runs}, from {data.path.name}")


def _epochs(data: DataFile, payload: bytes, number: int) -> int:
    """The epochs of a record, from its first bytes where they have the usual form: most records are not needed further."""
    start = _START.match(payload)
    return int(start[1]) if start else _decode(data, payload, number).epochs


def _decode(data: DataFile, payload: bytes, number: int) -> _Record:
    try:
        value: Any = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise data.error(f"expected a JSON list, got {payload[:80]!r}", f"record {number}") from error
    match value:
        case [str(), int() as epochs, str() as adjacency, str() as operations, str() as metrics]:
            return _Record(epochs, adjacency, operations, metrics)
    raise data.error(
        f"expected a NAS-Bench-101 record [hash, epochs, matrix, operations, metrics], got {payload[:80]!r}", f"record {number}"
    )


def _cell(data: DataFile, record: _Record, space: SearchSpace, number: int) -> Architecture:
    side = math.isqrt(len(record.adjacency))
    if side * side != len(record.adjacency) or not set(record.adjacency) <= {"0", "1"}:
        raise data.error(f"expected a square matrix of zeros and ones, got '{record.adjacency[:80]}'", f"record {number}")
    bits = [int(bit) for bit in record.adjacency]
    matrix = [bits[row * side : (row + 1) * side] for row in range(side)]
    try:
        return space.parse_native({"matrix": matrix, "ops": record.operations.split(",")})
    except InvalidArchitecture as error:
        raise data.error(f"expected a cell of NAS-Bench-101: {error}", f"record {number}") from error


def _values(data: DataFile, record: _Record, number: int) -> dict[str, float]:
    try:
        return read_training_run(base64.b64decode(record.metrics))._asdict()
    except (binascii.Error, MalformedMetrics) as error:
        raise data.error(f"expected a ModelMetrics message in base64: {error}", f"record {number}") from error
