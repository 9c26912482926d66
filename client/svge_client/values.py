"""What the server answers with, as frozen values. Fields that this version does not know are ignored."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Architecture:
    """A labelled directed acyclic graph: `nodes` are the labels in canonical order, the first is `input`, the last `output`;
    `edges` are index pairs.
    """

    space: str
    nodes: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Architecture":
        edges = tuple((int(source), int(target)) for source, target in document["edges"])
        return cls(document["space"], tuple(document["nodes"]), edges)

    def to_json(self) -> dict[str, Any]:
        return {"space": self.space, "nodes": list(self.nodes), "edges": [list(edge) for edge in self.edges]}


@dataclass(frozen=True, slots=True)
class Trial:
    """One architecture that a study has handed out. `value` is None until it is observed, `reason` says why it failed; `values` are
    those of objectives that have names; `parameters` and `multiply_adds` are the network's costs where the server can count them;
    `native` is the space's own form; `document` is the whole answer, with what is not spelled out here.
    """

    id: str
    study: str
    number: int
    attempt: int
    state: str
    architecture: Architecture
    native: Any
    canonical_id: str
    source: str
    lease_expires_at: datetime | None
    predicted_mean: float | None
    predicted_std: float | None
    parameters: int | None
    multiply_adds: int | None
    value: float | None
    values: Mapping[str, float] | None
    std: float | None
    reason: str | None
    worker: str | None
    note: str | None
    tags: tuple[str, ...]
    finished_at: datetime | None
    document: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Trial":
        return cls(
            id=document["id"],
            study=document["study"],
            number=document["number"],
            attempt=document["attempt"],
            state=document["state"],
            architecture=Architecture.from_json(document["architecture"]),
            native=document["native"],
            canonical_id=document["canonical_id"],
            source=document["source"],
            lease_expires_at=moment(document["lease_expires_at"]),
            predicted_mean=document["predicted_mean"],
            predicted_std=document["predicted_std"],
            parameters=document.get("parameters"),
            multiply_adds=document.get("multiply_adds"),
            value=document["value"],
            values=document.get("values"),
            std=document["std"],
            reason=document["reason"],
            worker=document.get("worker"),
            note=document.get("note"),
            tags=tuple(document.get("tags") or ()),
            finished_at=moment(document.get("finished_at")),
            document=document,
        )


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The trials handed out, and the server's reason where they are fewer than asked for."""

    trials: tuple[Trial, ...]
    reason: str | None


@dataclass(frozen=True, slots=True)
class Study:
    """One search. `max_trials` is None where there is no budget, `lease_seconds` 0 where leases never run out; `trials` counts
    its trials by state, `best_value` is None while none is completed; `objectives` are directions by name where they have names;
    `document` is the whole answer.
    """

    name: str
    space: str
    objective: str
    objectives: Mapping[str, str] | None
    limits: Mapping[str, int]
    closed_at: datetime | None
    max_trials: int | None
    lease_seconds: int
    trials: Mapping[str, int]
    best_value: float | None
    model_hash: str | None
    note: str | None
    tags: tuple[str, ...]
    document: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Study":
        return cls(
            name=document["name"],
            space=document["space"],
            objective=document["objective"],
            objectives=document.get("objectives"),
            limits={name: limit for name, limit in (document.get("limits") or {}).items() if limit is not None},
            closed_at=moment(document.get("closed_at")),
            max_trials=document["max_trials"],
            lease_seconds=document["lease_seconds"],
            trials=document["trials"],
            best_value=document["best_value"],
            model_hash=document.get("model_hash"),
            note=document.get("note"),
            tags=tuple(document.get("tags") or ()),
            document=document,
        )


@dataclass(frozen=True, slots=True)
class Result:
    """The value of an architecture that was trained elsewhere, or its values by objective; `std` is the (first) value's standard
    error.
    """

    architecture: Architecture
    value: float | Mapping[str, float]
    std: float | None = None
    metrics: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class StudiesPage:
    """Some studies, and the cursor of the next page; None on the last one."""

    studies: tuple[Study, ...]
    next_cursor: str | None

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "StudiesPage":
        return cls(tuple(Study.from_json(study) for study in document["studies"]), document.get("next_cursor"))


@dataclass(frozen=True, slots=True)
class TrialsPage:
    """Some trials, the cursor of the next page, None on the last one, and what to give as `since` to hear of later changes."""

    trials: tuple[Trial, ...]
    next_cursor: str | None
    next_since: str | None

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "TrialsPage":
        return cls(trials_of(document), document.get("next_cursor"), document.get("next_since"))


@dataclass(frozen=True, slots=True)
class Progress:
    """The value of a running trial after a step, an epoch say, counted from 1; of several observed objectives the first one's."""

    trial: Trial
    step: int
    value: float

    def to_json(self) -> dict[str, Any]:
        return {"trial": self.trial.id, "attempt": self.trial.attempt, "step": self.step, "value": self.value}


@dataclass(frozen=True, slots=True)
class DroppedProgress:
    """An intermediate value that the server did not store, and why."""

    trial: str
    attempt: int
    step: int
    reason: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of the rows of a file: stored, held already, and left out because they have no result."""

    imported: int
    unchanged: int
    left_out: int

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Imported":
        return cls(document["imported"], document["unchanged"], document["left_out"])


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The answer to a heartbeat, by trial id: until when a renewed lease runs (None: without end), why a trial is lost to this
    worker, and why one should stop; and what was not stored.
    """

    renewed: Mapping[str, datetime | None]
    lost: Mapping[str, str]
    stop: Mapping[str, str]
    dropped: tuple[DroppedProgress, ...] = ()

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Heartbeat":
        return cls(
            renewed={entry["trial"]: moment(entry["lease_expires_at"]) for entry in document["renewed"]},
            lost={entry["trial"]: entry["reason"] for entry in document["lost"]},
            stop={entry["trial"]: entry["reason"] for entry in document["stop"]},
            dropped=tuple(
                DroppedProgress(entry["trial"], entry["attempt"], entry["step"], entry["reason"])
                for entry in document.get("dropped", ())
            ),
        )


def trials_of(document: Mapping[str, Any]) -> tuple[Trial, ...]:
    """The trials of an answer."""
    return tuple(Trial.from_json(trial) for trial in document["trials"])


def moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def known(kind: type, document: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a document that a value of this dataclass has."""
    return {each.name: document[each.name] for each in fields(kind)}
