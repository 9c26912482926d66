"""The trials of a study as Parquet: columns with types, a row group a page. It needs pyarrow, which is loaded when it is asked for.

An architecture is three columns: `space`, `nodes`, a list of labels, and `edges`, a list of index pairs. Objectives that have names
are a column of numbers each, `values.NAME`. Times are timestamps in UTC.
"""

import io
from collections.abc import Sequence
from typing import Any

from service.errors import NotInstalled
from service.storage.values import Trial
from service.studies.export_rows import COLUMNS, Pages, row_of

_ROW_GROUP = 5000
_TEXT = ("id", "state", "reason", "worker", "source", "model_hash", "canonical_id", "note")
_WHOLE = ("number", "attempt", "replicate", "observations_seen", "parameters", "multiply_adds")
_TIMES = ("created_at", "finished_at")


def parquet_pages(objectives: Sequence[str]) -> Pages:
    """The format for a study whose trainers report these objectives by name. Raises `NotInstalled`."""
    try:
        import pyarrow
        from pyarrow.parquet import ParquetWriter
    except ImportError as error:
        remedy = "pip install -c constraints.txt '.[parquet]' there, or choose csv or jsonl"
        message = f"Parquet needs pyarrow, which the service lacks: {remedy}"
        raise NotInstalled(message) from error
    sink = _Sink()
    schema = pyarrow.schema(_fields(pyarrow, objectives))
    writer = ParquetWriter(sink, schema, compression="zstd")

    def write(page: Sequence[Trial]) -> bytes:
        rows = [_flat(trial, objectives) for trial in page]
        writer.write_table(pyarrow.Table.from_pylist(rows, schema), row_group_size=_ROW_GROUP)
        return sink.taken()

    def close() -> bytes:
        writer.close()
        return sink.taken()

    return Pages(_ROW_GROUP, b"", write, close)


def _fields(pyarrow: Any, objectives: Sequence[str]) -> list[tuple[str, Any]]:
    """The columns of the other formats with their types; those that hold objects there are several columns here."""
    text, whole, real = pyarrow.string(), pyarrow.int64(), pyarrow.float64()
    types = {
        **dict.fromkeys(_TEXT, text),
        **dict.fromkeys(_WHOLE, whole),
        **dict.fromkeys(_TIMES, pyarrow.timestamp("us", tz="UTC")),
    }
    parts = {
        "tags": [("tags", pyarrow.list_(text))],
        "values": [(f"values.{name}", real) for name in objectives],
        "architecture": [
            ("space", text),
            ("nodes", pyarrow.list_(text)),
            ("edges", pyarrow.list_(pyarrow.list_(pyarrow.int32()))),
        ],
    }
    return [field for column in COLUMNS for field in parts.get(column, [(column, types.get(column, real))])]


def _flat(trial: Trial, objectives: Sequence[str]) -> dict[str, Any]:
    row = row_of(trial)
    values = row["values"] or {}
    return {**row, **row["architecture"], **{f"values.{name}": values.get(name) for name in objectives}}


class _Sink(io.RawIOBase):
    """Keeps what is written until it is taken."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, part: Any) -> int:
        self._parts.append(bytes(part))
        return len(part)

    def taken(self) -> bytes:
        """What was written since the last time."""
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken
