"""The rows of a file of results as reports from elsewhere, or faults that name its lines and columns. Storing them is `imports.py`.

Which columns say what is chosen in `import_columns.py`, architectures are read in `import_architectures.py`.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from models.architectures.architecture import Fault
from models.architectures.canonical import id_of_canonical
from models.datasets.data_file import DataFileError, data_in_memory
from models.datasets.enas_list import text_rows
from models.datasets.recognition import FileKind, recognise
from models.datasets.rows import Row
from models.datasets.tables import csv_rows, json_line_rows
from models.spaces.space import SearchSpace
from service.errors import InvalidRequest
from service.storage.values import Origin, Outcome, Study, TrialState
from service.studies.architectures import Graph
from service.studies.grants import Offer
from service.studies.import_architectures import read_row
from service.studies.import_columns import Columns, choose_columns, escaped, is_replicate, read_reason, read_status, read_std
from service.studies.verdicts import ForeignReport, check_outcome, described

ImportFormat = Literal["csv", "jsonl"]

MOST_FAULTS = 100
_PEEKED_ROWS = 100
_MOST_COLUMNS = 1000
_LONGEST_MESSAGE = 400
_UNFINISHED = (TrialState.WAITING, TrialState.RUNNING)

_READERS = {
    "csv": {FileKind.CSV: csv_rows, FileKind.ENAS_LIST: text_rows},
    "jsonl": {FileKind.JSON_LINES: json_line_rows, FileKind.JSON: json_line_rows},
}
_REMEDIES = {
    "csv": "expected CSV, with a line of column names first; JSON lines come with the Content-Type application/jsonl",
    "jsonl": "expected JSON lines, an object on each; CSV comes with the Content-Type text/csv",
}


@dataclass(frozen=True, slots=True)
class Results:
    """What a file says: reports on architectures no two of which are isomorphic, each with its offer. `repeated` rows say again
    what one before them says, `left_out` rows have no result.
    """

    reports: list[tuple[ForeignReport, Offer]]
    columns: Columns
    repeated: int
    left_out: int


def read_results(
    content: bytes, form: ImportFormat, study: Study, space: SearchSpace, column: str | None, most_rows: int
) -> Results:
    """The results in a file for a study. `column` holds the values, where the caller chose one.

    Raises `InvalidRequest` and `ArchitectureRejected` with at most `MOST_FAULTS` faults.
    """
    faults: list[Fault] = []
    data = data_in_memory("the file", content)
    try:
        kind = recognise(data)
        if kind not in _READERS[form]:
            raise InvalidRequest([Fault("", _REMEDIES[form])])
        rows = _up_to_damage(_READERS[form][kind](data), faults)
        first = list(itertools.islice(rows, _PEEKED_ROWS))
        if not first:
            raise InvalidRequest(faults or [Fault("", "expected at least one row of results, got none")])
        reader = _Reader(study, space, choose_columns(data, first, study.settings.observed_names, column), faults)
    except DataFileError as error:
        raise InvalidRequest([_damage(error)]) from error
    reader.read(itertools.chain(first, rows), most_rows)
    return Results(reader.reports, reader.columns, reader.repeated, reader.left_out)


def located(fault: Fault, names: Mapping[str, str]) -> Fault:
    """The fault of a report with the line in its message, and with the file's own name of the field in its pointer."""
    parts = fault.pointer.split("/")
    if parts[1:2] != ["lines"]:
        return fault
    parts[3:4] = [escaped(names[part]) if part in names else part for part in parts[3:4]]
    message = fault.message if len(fault.message) <= _LONGEST_MESSAGE else f"{fault.message[:_LONGEST_MESSAGE]}…"
    return Fault("/".join(parts), f"line {parts[2]}: {message}")


class _Reader:
    """Reads rows one after the other; `damage` is where their source says why it ends early."""

    def __init__(self, study: Study, space: SearchSpace, columns: Columns, damage: list[Fault]) -> None:
        self.columns = columns
        self.reports: list[tuple[ForeignReport, Offer]] = []
        self.repeated = self.left_out = 0
        self._study = study.name
        self._space = space
        self._damage = damage
        self._faults: list[Fault] = []
        self._kind = InvalidRequest
        self._seen: dict[str, ForeignReport] = {}

    def read(self, rows: Iterable[tuple[str, Row]], most_rows: int) -> None:
        """Raises `InvalidRequest`, or `ArchitectureRejected` where the first fault is one of an architecture."""
        for count, (place, row) in enumerate(rows):
            pointer = _pointer(place)
            if count == most_rows:
                message = f"expected at most {most_rows} rows (SVGE_MAX_IMPORT_ROWS); send the rest as another file"
                self._refuse(InvalidRequest([Fault(pointer, message)]))
                break
            try:
                self._take(row, pointer)
            except InvalidRequest as error:
                self._refuse(error)
            if len(self._faults) >= MOST_FAULTS:
                break
        faults = [located(fault, self.columns.names) for fault in self._faults] + self._damage
        if faults:
            raise self._kind(faults[:MOST_FAULTS])

    def _take(self, row: Row, pointer: str) -> None:
        status = read_status(self.columns.status, row, pointer)
        if status in _UNFINISHED or is_replicate(row):
            self.left_out += 1
            return
        value, values = self.columns.read_values(row, pointer)
        if status is None and value is None and values is None:
            self.left_out += 1
            return
        outcome = Outcome(status or TrialState.COMPLETED, value, read_std(row, pointer), read_reason(row, pointer), values)
        architecture = read_row(row, self.columns.form, self._space, pointer)
        graph = Graph(architecture.nodes, architecture.edges, architecture.space)
        report = ForeignReport(self._study, graph, outcome, None, pointer, keeps_late=False)
        check_outcome([report])
        self._add(report, Offer(architecture, id_of_canonical(architecture), Origin("enqueued")))

    def _add(self, report: ForeignReport, offer: Offer) -> None:
        earlier = self._seen.setdefault(offer.canonical_id, report)
        if earlier is report:
            self.reports.append((report, offer))
        elif replace(earlier.outcome, reason=None) == replace(report.outcome, reason=None):
            self.repeated += 1
        else:
            line = earlier.pointer.rpartition("/")[2]
            message = (
                f"{described(report.outcome)} for the architecture of line {line}, which has {described(earlier.outcome)}; "
                "keep one row for each architecture, with the mean of its measurements for example"
            )
            raise InvalidRequest([Fault(report.pointer, message)])

    def _refuse(self, error: InvalidRequest) -> None:
        if not self._faults:
            self._kind = type(error)
        self._faults += error.faults


def _up_to_damage(rows: Iterator[tuple[str, Row]], faults: list[Fault]) -> Iterator[tuple[str, Row]]:
    """The rows before the one that cannot be read, whose fault is then added to `faults`."""
    try:
        for place, row in rows:
            if len(row) > _MOST_COLUMNS:
                faults.append(located(Fault(_pointer(place), f"expected at most {_MOST_COLUMNS} columns, got {len(row)}"), {}))
                return
            yield place, row
    except DataFileError as error:
        faults.append(_damage(error))


def _damage(error: DataFileError) -> Fault:
    return located(Fault("" if error.place is None else _pointer(error.place), error.problem), {})


def _pointer(place: str) -> str:
    """The pointer of a place such as `line 3`."""
    return f"/lines/{place.rpartition(' ')[2]}"
