"""Studies as files: results from elsewhere that come in, and all trials that go out."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import StreamingResponse

from service.api.dependencies import ContextDep
from service.api.negotiation import VARY, accepted
from service.api.openapi import example
from service.api.schemas.files import (
    EXPORT_CONTENT,
    EXPORT_TYPES,
    IMPORT_BODY,
    IMPORTED,
    ImportAnswer,
    export_format,
    import_format,
)
from service.studies.exports import ExportFormat, export
from service.studies.import_rows import ImportFormat
from service.studies.imports import import_results

router = APIRouter(prefix="/studies", tags=["studies"])

FileFormat = Annotated[
    ExportFormat | None, Query(description="The form of the file, in place of the header `Accept`; csv without both.")
]
Format = Annotated[ImportFormat | None, Query(description="Instead of the Content-Type.")]
Column = Annotated[
    str | None,
    Query(max_length=200, description="Where the values are; default: `value`, or the only column of numbers.", examples=["loss"]),
]


@router.post("/{name}/import", response_model=ImportAnswer, responses=example(200, IMPORTED), openapi_extra=IMPORT_BODY)
async def import_trials(
    context: ContextDep, name: str, request: Request, format: Format = None, column: Column = None
) -> ImportAnswer:
    """Store results from elsewhere, from a file of CSV or JSON lines: all of its rows or none. The same file again changes nothing.

    A row has an architecture in any of the forms of docs/data.md, a value, and optionally `std`, `status` and `reason`. An export
    of a study is such a file. In a study of several objectives each has the column of its name.
    """
    form = import_format(format, request.headers.get("content-type"))
    done = await import_results(context, name, await request.body(), form, column)
    return ImportAnswer(imported=done.imported, unchanged=done.unchanged, left_out=done.left_out)


@router.get("/{name}/export", response_class=StreamingResponse, responses={200: {"content": EXPORT_CONTENT}})
async def export_study(context: ContextDep, name: str, request: Request, format: FileFormat = None) -> StreamingResponse:
    """All trials of a study as a file: CSV, JSON lines or Parquet. Parquet needs the server's optional package pyarrow."""
    form = export_format(format, accepted(request))
    pieces = await export(context, name, form)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'} | VARY
    return StreamingResponse(pieces, media_type=EXPORT_TYPES[form], headers=headers)
