"""Results from elsewhere as a file: the use case behind `POST /studies/{name}/import`. Reading the file is `import_rows.py`.

Each row is what `POST /observe` takes of an architecture that was trained elsewhere; `verdicts.py` decides about it. All rows are
stored in one transaction, or none.
"""

from dataclasses import dataclass, replace
from functools import partial

import anyio.to_thread
from sqlalchemy.orm import Session

from service.storage.values import Study
from service.studies.catalogue import space_named
from service.studies.context import Context
from service.studies.import_rows import MOST_FAULTS, ImportFormat, Results, located, read_results
from service.studies.lifecycle import study_named
from service.studies.observe import open_batch
from service.studies.verdicts import combined


@dataclass(frozen=True, slots=True)
class Imported:
    """How many rows were stored, how many the study held already, and how many had no result."""

    imported: int
    unchanged: int
    left_out: int


async def import_results(context: Context, name: str, content: bytes, form: ImportFormat, column: str | None) -> Imported:
    """Store the results of a file. The same file again changes nothing.

    Raises `StudyNotFound`, and with at most a hundred faults `InvalidRequest`, `ArchitectureRejected`, `ConflictingObservation`,
    `IllegalTransition` for a failure of what a worker trains now, and `BudgetExhausted`.
    """
    study = await context.database.read(partial(study_named, name))
    results = await anyio.to_thread.run_sync(_read, context, study, content, form, column)
    imported = await context.database.write(partial(_store, context, study.id, results))
    return Imported(imported, len(results.reports) - imported + results.repeated, results.left_out)


def _read(context: Context, study: Study, content: bytes, form: ImportFormat, column: str | None) -> Results:
    space = space_named(context.settings.model_folders, study.settings.space)
    return read_results(content, form, study, space, column, context.settings.max_import_rows)


def _store(context: Context, study_id: int, results: Results, session: Session) -> int:
    """How many rows changed something."""
    offers = [(report.study, offer) for report, offer in results.reports]
    batch = open_batch(context, {study_id}, [], offers, session)
    for report, offer in results.reports:
        batch.take_foreign(report, offer)
        if len(batch.refusals) == MOST_FAULTS:
            break
    if batch.refusals:
        names = results.columns.names
        raise combined([replace(refusal, fault=located(refusal.fault, names)) for _, _, refusal in batch.refusals])
    batch.store()
    return batch.num_changes
