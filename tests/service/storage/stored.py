"""What databases of every past revision hold: the features that each revision brought, stored in the words of its own schema."""

import hashlib
import json
from collections.abc import Mapping, Sequence

from service.storage import schema
from service.storage.session import Database

_AT = "2026-01-31 12:00:00"
_ARCHITECTURE = '{"nodes":["input","output"],"edges":[[0,1]]}'

_STUDY = {
    "space": "nasbench201",
    "seed": 3,
    "strategy": "svge",
    "initial_size": 10,
    "lease_seconds": 900,
    "max_attempts": 3,
    "model_hash": "abc",
    "created_at": _AT,
}
_TRIAL = {
    "architecture": _ARCHITECTURE,
    "source": "initial",
    "observations_seen": 0,
    "model_hash": "abc",
    "attempt": 1,
    "created_at": _AT,
}
_COMPLETED = {**_TRIAL, "state": "completed", "worker": "w", "finished_attempt": 1, "finished_at": _AT}


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}'" if isinstance(value, str) else repr(value)


def _insert(table: str, *rows: Mapping[str, object], **more: object) -> str:
    """An INSERT of one row that has the columns of all mappings."""
    row = {name: value for part in (*rows, more) for name, value in part.items()}
    columns, values = ", ".join(f'"{name}"' for name in row), ", ".join(map(_literal, row.values()))
    return f"INSERT INTO {table} ({columns}) VALUES ({values})"


def _fingerprint(outcome: str) -> str:
    return hashlib.sha256(outcome.encode()).hexdigest()


_TWO = {"accuracy": 0.9, "seconds": 3.5}, {"accuracy": 0.8, "seconds": 4.5}
_REPORT = {
    "fingerprint": _fingerprint('["completed", 0.25, null, null, null]'),
    "status": "completed",
    "value": 0.25,
    "late": False,
}

_STORED: dict[str, Sequence[str]] = {
    "0001": (
        _insert("svge_studies", _STUDY, id=1, name="old", objective="minimize", trials_created=1),
        _insert("svge_trials", _COMPLETED, id="t1", study_id=1, number=1, canonical_id="c", latent="[0.5]", value=0.25),
        _insert("svge_attempts", trial_id="t1", attempt=1, worker="w", started_at=_AT, ended_at=_AT, outcome="completed"),
        _insert("svge_observations", _REPORT, trial_id="t1", attempt=1, received_at=_AT),
    ),
    "0002": (
        _insert(
            "svge_studies",
            _STUDY,
            id=2,
            name="two",
            objective="maximize",
            trials_created=2,
            objectives='[["accuracy", "maximize"], ["seconds", "minimize"]]',
            limits='{"parameters": 1000000}',
        ),
        _insert("svge_trials", _COMPLETED, id="u1", study_id=2, number=1, canonical_id="c", value=0.9, values=json.dumps(_TWO[0])),
        _insert("svge_trials", _COMPLETED, id="u2", study_id=2, number=2, canonical_id="d", value=0.8, values=json.dumps(_TWO[1])),
    ),
    "0003": (f"UPDATE svge_studies SET closed_at = '{_AT}' WHERE id = 2",),
    "0004": (_insert("svge_keys", name="ci", token_hash="0f" * 32, scope="observe", created_at=_AT),),
    "0005": (
        "UPDATE svge_studies SET note = 'of last year', tags = '[\"baseline\"]', trials_created = 2 WHERE id = 1",
        "UPDATE svge_trials SET note = 'odd', tags = '[\"suspect\"]', change = 2 WHERE id = 't1'",
        _insert("svge_trials", _TRIAL, id="t2", study_id=1, number=2, state="waiting", canonical_id="c", replicate=1, change=3),
    ),
    "0006": (
        'UPDATE svge_studies SET stopping = \'{"rule": "median"}\' WHERE id = 1',
        _insert(
            "svge_progress",
            {"study_id": 1, "trial_id": "t1", "attempt": 1, "step": 3, "received_at": _AT},
            value=0.5,
            reports=1,
            mean=0.5,
            best=0.5,
        ),
    ),
    "0007": (
        _insert("svge_trials", _TRIAL, id="t3", study_id=1, number=3, state="failed", canonical_id="e", replicate=0, change=4),
        _insert("svge_trial_counts", study_id=1, state="failed", count=1),
        "UPDATE svge_studies SET trials_created = 3 WHERE id = 1",
    ),
    "0008": (
        _insert("svge_fronts", trial_id="u1", study_id=2, number=1, first=0.9, second=-3.5, third=0.0),
        "UPDATE svge_studies SET front_trials = 2 WHERE id = 2",
    ),
}

REVISIONS = tuple(_STORED)
"""Every revision that brought something to store."""


def fill(database: Database, last: str) -> None:
    """Take a new database from revision to revision up to `last`, storing with each what it brought."""
    for revision, statements in _STORED.items():
        if revision <= last:
            schema.upgrade(database, revision)
            for statement in statements:
                database.write_here(lambda session, statement=statement: session.connection().exec_driver_sql(statement))
