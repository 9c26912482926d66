"""`load_measured`: architectures with measurements from any file that people have, recognised by its content."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

from models.datasets.data_file import DataFile, Progress, open_data_file
from models.datasets.enas_list import BURN_IN_ROWS, text_rows, without_burn_in
from models.datasets.measured import MeasuredArchitectures, Measurements
from models.datasets.nasbench101 import read_nasbench101
from models.datasets.recognition import FileKind, recognise
from models.datasets.rows import ENAS_FORM, MetricColumns, Row, architecture_of, form_of
from models.datasets.tables import csv_rows, json_line_rows, json_rows
from models.spaces.space import SearchSpace

_ROWS: dict[FileKind, Callable[[DataFile], Iterator[tuple[str, Row]]]] = {
    FileKind.ENAS_LIST: text_rows,
    FileKind.JSON: json_rows,
    FileKind.JSON_LINES: json_line_rows,
    FileKind.CSV: csv_rows,
}


def load_measured(
    path: str | Path,
    space: SearchSpace,
    *,
    epochs: int | None = None,
    burn_in: int | None = None,
    progress: Progress | None = None,
) -> MeasuredArchitectures:
    """The architectures of `space` in a file, each once, with the mean of what was measured on it; docs/data.md lists the files.

    `epochs`: for NAS-Bench-101 records, the training budget to take; the largest in the file where None. `burn_in`: for the ENAS
    list, how many rows to drop at the start; 1,000 where None. `progress` hears of the bytes read and their total, every megabyte.
    Raises `DataFileError`, naming file, place and remedy, for any other file and for `epochs` or `burn_in` on a file without them.
    """
    with open_data_file(Path(path), progress) as data:
        kind = recognise(data)
        if epochs is not None and kind is not FileKind.TFRECORD:
            raise data.error(f"epochs={epochs} chooses among NAS-Bench-101 records, which this file has not; leave it out")
        if kind is not FileKind.TFRECORD:
            return _read_table(data, _ROWS[kind](data), space, burn_in)
        if burn_in is not None:
            raise data.error(f"burn_in={burn_in} belongs to the ENAS list; leave it out")
        return read_nasbench101(data, space, epochs)


def _read_table(data: DataFile, rows: Iterator[tuple[str, Row]], space: SearchSpace, burn_in: int | None) -> MeasuredArchitectures:
    first = next(rows, None)
    if first is None:
        raise data.error("expected at least one row of measurements, got none")
    form = form_of(data, first[1], first[0])
    rows = itertools.chain([first], rows)
    is_enas_list = form == ENAS_FORM and space.name == "enas_macro"
    if burn_in is not None and not is_enas_list:
        raise data.error(f"burn_in={burn_in} belongs to the ENAS list; leave it out")
    dropped = 0 if not is_enas_list else BURN_IN_ROWS if burn_in is None else burn_in
    measurements, columns = Measurements(), MetricColumns(form)
    for place, row in without_burn_in(data, rows, dropped):
        if not all(field in row for field in form):
            raise data.error(f"expected {' and '.join(form)}, as in the first row, got {', '.join(row)[:200]}", place)
        measurements.add(architecture_of(data, row, form, space, place), columns.values_of(data, row, place))
    if not measurements.metrics:
        raise data.error("no column holds measurements; give at least one column of numbers")
    left_out = f" without the first {dropped} rows" if dropped else ""
    counted = f"{len(measurements)} measurements of {measurements.num_architectures} architectures of '{space.name}'"
    return measurements.build(f"{counted}, from {data.path.name}{left_out}")
