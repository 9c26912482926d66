"""Studies as files and tables."""

from pathlib import Path
from typing import TYPE_CHECKING

from svge_client._sync.resource import Resource
from svge_client.bodies import content_of, given, starts_as_json, study_path
from svge_client.tables import data_frame
from svge_client.values import Imported

if TYPE_CHECKING:
    import pandas


class Files(Resource):
    """The calls that take or give whole studies."""

    def import_trials(self, study: str, results: Path | str | bytes, column: str | None = None) -> Imported:
        """Store results from elsewhere, in CSV or JSON lines, all of them or none: a path is that of a file, text is its content.

        The same again changes nothing. Raises `Invalid`, and `Conflict` where a row differs from what is stored; both name lines.
        """
        content = content_of(results)
        form, media_type = ("jsonl", "application/jsonl") if starts_as_json(content) else ("csv", "text/csv")
        query = given(format=form, column=column)
        return Imported.from_json(self._transport.upload("POST", study_path(study) + "/import", content, media_type, query))

    def export(self, study: str, format: str = "csv") -> bytes:
        """All trials of a study as a file: `csv`, `jsonl`, or `parquet` where the server has pyarrow."""
        return self._transport.download(study_path(study) + "/export", {"format": format})

    def to_dataframe(self, study: str) -> "pandas.DataFrame":
        """All trials of a study, one a row, indexed by their number; the value of an objective that has a name is in
        the column `values.NAME`.

        Raises `MissingExtra` without pandas.
        """
        return data_frame(self.export(study, "jsonl"))
