"""Studies of any size, written straight into a database as if trainers had been at work: for `study_size.py`.

Trials are ENAS macro architectures, each with the latent, the attempt and the report that a real one has. 97 of 100 are completed,
the others failed, infeasible or stopped.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import func, insert, literal, select, text
from sqlalchemy.orm import Session

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonical_id
from models.pretrained.catalogue import Card, default_card
from models.spaces.registry import get_space
from service.storage import studies
from service.storage.session import Database
from service.storage.tables import AttemptRow, ObservationRow, TrialCountRow, TrialRow
from service.storage.trial_rows import format_architecture
from service.storage.values import NamedObjective, StudySettings, TrialState
from service.studies import pareto

SPACE = "enas_macro"
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
TWO_OBJECTIVES = (NamedObjective("accuracy", "maximize"), NamedObjective("latency_ms", "minimize"))

_CHUNK = 10_000
_LAYERS = 6
_OPERATIONS = 6
_STEP = 1_000_000_007
"""A prime that divides no power of two and six, so that its multiples run through all codes of the space before one comes again."""

_UNFINISHED = {97: TrialState.FAILED, 98: TrialState.INFEASIBLE, 99: TrialState.STOPPED}


def architecture(index: int) -> Architecture:
    """One architecture for each index below the size of the space, all of them different, also as graphs."""
    space = get_space(SPACE)
    assert space.size is not None
    code = index * _STEP % space.size
    layers = []
    for layer in range(_LAYERS):
        code, operation = divmod(code, _OPERATIONS)
        bits = [code >> place & 1 for place in range(layer)]
        code >>= layer
        layers.append([operation, *bits])
    return space.parse_native(layers)


def fill(database: Database, name: str, size: int, objectives: tuple[NamedObjective, ...] = ()) -> int:
    """A new study of `size` trials, whose leases never run out; answers its key."""
    card = default_card(SPACE)
    settings = StudySettings(name, SPACE, "maximize", 0, "svge", 10, None, 0, 3, card.hash, objectives)
    study = database.write_here(lambda session: studies.create(session, settings, FIRST))
    for start in range(0, size, _CHUNK):
        rows = list(_rows(study.id, card, range(start, min(start + _CHUNK, size)), objectives))
        database.write_here(lambda session, rows=rows: session.execute(insert(TrialRow), rows))
    database.write_here(lambda session: _finish(session, study.id, size))
    if objectives:
        database.write_here(lambda session: pareto.extend(session, studies.get(session, study.id), []))
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))  # as PostgreSQL's autovacuum would have done meanwhile
    return study.id


def _rows(study_id: int, card: Card, indices: range, objectives: Sequence[NamedObjective]) -> Iterator[dict[str, Any]]:
    rng = np.random.default_rng([study_id % 2**32, indices.start])
    latents = rng.standard_normal((len(indices), card.latent_size)).tolist()
    values = (0.85 + 0.08 * rng.beta(5.0, 2.0, len(indices))).round(4).tolist()
    further = rng.gamma(4.0, 2.0, len(indices)).round(3).tolist()
    for index, latent, value, other in zip(indices, latents, values, further, strict=True):
        graph = architecture(index)
        state = _UNFINISHED.get(index % 100, TrialState.COMPLETED)
        is_completed = state == TrialState.COMPLETED
        started = FIRST + timedelta(seconds=index)
        yield {
            "id": f"{study_id % 2**60:015x}{index:017x}",
            "study_id": study_id,
            "number": index + 1,
            "state": state,
            "attempt": 1,
            "worker": f"worker-{index % 64}",
            "architecture": format_architecture(graph),
            "canonical_id": canonical_id(graph),
            "source": "acquisition",
            "latent": latent,
            "predicted_mean": value,
            "predicted_std": 0.01,
            "acquisition_value": -5.0,
            "observations_seen": index,
            "model_hash": card.hash,
            "value": value if is_completed else None,
            "values": {"accuracy": value, "latency_ms": other} if is_completed and objectives else None,
            "reason": None if is_completed else "out of memory",
            "finished_attempt": 1,
            "created_at": started,
            "finished_at": started + timedelta(hours=1),
            "replicate": 0,
            "change": index + 1,
        }


def _finish(session: Session, study_id: int, size: int) -> None:
    """What goes with the trials of a study: its progress, the attempt and the report of each, and the counts by state."""
    trial, ours = TrialRow, TrialRow.study_id == study_id
    studies.save_progress(session, study_id, size)
    attempts = select(trial.id, trial.attempt, trial.worker, trial.created_at, trial.finished_at, trial.state).where(ours)
    columns = ["trial_id", "attempt", "worker", "started_at", "ended_at", "outcome"]
    session.execute(insert(AttemptRow).from_select(columns, attempts))
    reports = select(
        trial.id, trial.attempt, trial.canonical_id, trial.state, trial.value, literal(False), trial.finished_at
    ).where(ours)
    columns = ["trial_id", "attempt", "fingerprint", "status", "value", "late", "received_at"]
    session.execute(insert(ObservationRow).from_select(columns, reports))
    sizes = select(trial.study_id, trial.state, func.count()).where(ours).group_by(trial.study_id, trial.state)
    session.execute(insert(TrialCountRow).from_select(["study_id", "state", "count"], sizes))
