"""A whole study as CSV, JSON lines or Parquet, a page at a time, so that its length costs no memory."""

import csv
import io
import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Literal

import anyio.to_thread
from sqlalchemy.orm import Session

from service.storage import trials
from service.storage.values import Study, Trial
from service.studies.context import Context
from service.studies.export_rows import COLUMNS, FORMULA, QUOTE, Pages, row_of
from service.studies.lifecycle import study_named
from service.studies.parquet import parquet_pages

ExportFormat = Literal["csv", "jsonl", "parquet"]

_PAGE = 500


async def export(context: Context, name: str, form: ExportFormat) -> AsyncIterator[bytes]:
    """The export in pieces, trials in order of their number. Raises `StudyNotFound` and `NotInstalled` before the first piece."""
    study = await context.database.read(partial(study_named, name))
    if form == "parquet":
        return _pieces(context, study, await anyio.to_thread.run_sync(parquet_pages, study.settings.observed_names))
    pages = Pages(_PAGE, _csv_line(COLUMNS).encode(), _csv) if form == "csv" else Pages(_PAGE, b"", _json_lines)
    return _pieces(context, study, pages)


async def _pieces(context: Context, study: Study, pages: Pages) -> AsyncIterator[bytes]:
    yield pages.head
    after = 0
    while page := await context.database.read(partial(_page, study.id, after, pages.size)):
        yield await anyio.to_thread.run_sync(pages.write, page)
        after = page[-1].number
    yield await anyio.to_thread.run_sync(pages.close)


def _page(study_id: int, after: int, size: int, session: Session) -> list[Trial]:
    return trials.page(session, study_id, None, after, size)


def _json_lines(page: Sequence[Trial]) -> bytes:
    return "".join(json.dumps(row_of(trial), default=datetime.isoformat) + "\n" for trial in page).encode()


def _csv(page: Sequence[Trial]) -> bytes:
    """One line a trial; the architecture and the values by name are JSON within their fields."""
    return "".join(_csv_line([_csv_field(value) for value in row_of(trial).values()]) for trial in page).encode()


def _csv_field(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict | list):
        return json.dumps(value) if value else ""
    return f"{QUOTE}{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _csv_line(values: Any) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(values)
    return buffer.getvalue()
