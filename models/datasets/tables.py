"""The rows of CSV, JSON and JSON-lines files, with the place of each for messages. What a row means is in `rows.py`."""

import csv
import itertools
import json
from collections.abc import Iterator
from typing import Any

from models.datasets.data_file import DataFile
from models.datasets.rows import FORMS, Row

_DELIMITERS = ",;\t"


def csv_rows(data: DataFile) -> Iterator[tuple[str, Row]]:
    """The rows under a header line; commas, semicolons or tabs stand between the columns.

    Raises `DataFileError` for a header that names a column twice, a line of another length, and a quote that is left open.
    """
    with data.text() as text:
        first = text.readline()
        reader = csv.reader(itertools.chain([first], text), delimiter=max(_DELIMITERS, key=first.count), strict=True)
        try:
            header = [name.strip() for name in next(reader)]
            repeated = sorted({name for name in header if header.count(name) > 1})
            if repeated or not header:
                raise data.error(f"expected the names of the columns, each once, got {first.strip()!r}", "line 1")
            for cells in filter(None, reader):
                if len(cells) != len(header):
                    problem = f"expected {len(header)} columns, got {len(cells)}; is the file whole?"
                    raise data.error(problem, f"line {reader.line_num}")
                yield f"line {reader.line_num}", dict(zip(header, cells, strict=True))
        except csv.Error as error:
            raise data.error(f"expected CSV: {error}; is the file whole?", f"line {reader.line_num}") from error


def json_line_rows(data: DataFile) -> Iterator[tuple[str, Row]]:
    """One JSON object a line; empty lines are passed over. Raises `DataFileError`."""
    with data.text() as text:
        for number, line in enumerate(text, start=1):
            if line.strip():
                yield f"line {number}", _an_object(data, _from_json(data, line, f"line {number}"), f"line {number}")


def json_rows(data: DataFile) -> Iterator[tuple[str, Row]]:
    """A JSON list of objects, or an object whose keys are native architectures and whose values are numbers or objects of them.

    The whole file is in memory. Raises `DataFileError`.
    """
    with data.text() as text:
        value = _from_json(data, text.read(), None)
    if isinstance(value, list):
        for number, row in enumerate(value, start=1):
            yield f"row {number}", _an_object(data, row, f"row {number}")
    elif any(all(field in value for field in form) for form in FORMS):
        yield "row 1", value
    else:
        for number, (native, measured) in enumerate(value.items(), start=1):
            metrics = measured if isinstance(measured, dict) else {"value": measured}
            yield f"row {number}", {**metrics, "native": native}


def _from_json(data: DataFile, text: str, place: str | None) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise data.error(f"expected JSON: {error}; is the file whole?", place) from error


def _an_object(data: DataFile, value: Any, place: str) -> Row:
    if not isinstance(value, dict):
        raise data.error(f"expected a JSON object with the architecture and its measurements, got {str(value)[:80]}", place)
    return value
