"""Studies as files: the media types that are read and written, and the answer to an import."""

from typing import Annotated, Any

from pydantic import Field

from service.api.negotiation import preferred
from service.api.schemas.fields import Json, Schema, shown
from service.errors import NotAcceptable, UnsupportedBody
from service.studies.exports import ExportFormat
from service.studies.import_rows import ImportFormat

IMPORTED: Json = {"imported": 2, "unchanged": 0, "left_out": 1}

EXPORT_TYPES: dict[ExportFormat, str] = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
_IMPORT_TYPES: dict[str, ImportFormat] = {
    "text/csv": "csv",
    "application/jsonl": "jsonl",
    "application/x-ndjson": "jsonl",
}
_TEXT: Json = {"type": "string"}
_CSV = (
    "architecture,value\r\n"
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|,88.22\r\n"
)
_JSON_LINES = '{"nodes": ["input", "conv3x3", "output"], "edges": [[0, 1], [1, 2]], "value": 0.91, "std": 0.002}\n'

IMPORT_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {"schema": _TEXT, "example": _CSV},
            "application/jsonl": {"schema": _TEXT, "example": _JSON_LINES},
            "application/x-ndjson": {"schema": _TEXT, "example": _JSON_LINES},
        },
    }
}
EXPORT_CONTENT: dict[str, Any] = {
    "text/csv": {"schema": _TEXT, "example": "number,id,state,value\r\n1,7f0c2f0f,completed,0.931\r\n"},
    "application/jsonl": {"schema": _TEXT, "example": '{"number": 1, "state": "completed", "value": 0.931}\n'},
    "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}, "example": "PAR1…"},
}


class ImportAnswer(Schema):
    """How many rows were new to the study, said what it held already, and had no result."""

    model_config = shown(IMPORTED)

    imported: int
    unchanged: Annotated[int, Field(description="Stored before, or said by an earlier row of the file.")]
    left_out: Annotated[int, Field(description="Waiting, running, or without a value.")]


def export_format(chosen: ExportFormat | None, accept: str) -> ExportFormat:
    """The form of an export: what the caller chose, or else what the header `Accept` likes best. Raises `NotAcceptable`."""
    if chosen is not None:
        return chosen
    offered = list(EXPORT_CONTENT)
    place = preferred(accept, offered)
    if place is None:
        message = f"expected an Accept header with one of {', '.join(offered)}, or */*; got '{accept[:200]}'"
        raise NotAcceptable(message, details={"offered": offered})
    return list(EXPORT_TYPES)[place]


def import_format(chosen: ImportFormat | None, content_type: str | None) -> ImportFormat:
    """The format of a file: what the caller chose, or else what the Content-Type says. Raises `UnsupportedBody`."""
    if chosen is not None:
        return chosen
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind not in _IMPORT_TYPES:
        message = f"expected the Content-Type {' or '.join(_IMPORT_TYPES)}, got '{kind[:100]}'; send it, or ?format=csv or jsonl"
        raise UnsupportedBody(message)
    return _IMPORT_TYPES[kind]
