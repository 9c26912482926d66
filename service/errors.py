"""Everything that can go wrong in the service, as one tree. What each error becomes in HTTP is `api/problems.py`.

ServiceError
├── InvalidRequest                 a value of the request breaks a rule
│   ├── ArchitectureRejected       … a rule of graphs or of the search space
│   ├── CheckpointRejected         … what a checkpoint has to be
│   └── IdempotencyKeyReused       … one key means one request
├── BodyTooLarge
├── UnsupportedBody
├── NotFound
│   ├── StudyNotFound
│   ├── TrialNotFound
│   ├── SpaceNotFound
│   └── ModelNotFound
├── Conflict
│   ├── StudyExists
│   ├── SpaceExists
│   ├── ModelExists
│   ├── ModelInUse
│   ├── BudgetExhausted
│   ├── ConflictingObservation
│   ├── LeaseLost
│   ├── IllegalTransition
│   └── RequestInProgress
├── NotAcceptable
├── AccessRefused
│   ├── Unauthenticated
│   ├── Denied
│   └── ForeignCaller
├── TooManyRequests
├── NotInstalled
└── Unavailable
    ├── ModelUnavailable
    ├── DatabaseUnavailable
    │   └── StorageFull            … because there is no room left
    ├── CatalogueDamaged
    ├── StorageFailed
    └── NotReady
"""

from collections.abc import Mapping, Sequence
from typing import Any

from models.architectures.architecture import Fault


class ServiceError(Exception):
    """The base of all errors that a caller may see; the message says what was expected, what came and what to do.

    `faults` name parts of the request by JSON pointer, `details` are further members of the answer, both JSON values.
    """

    def __init__(self, message: str, faults: Sequence[Fault] = (), details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.faults = tuple(faults)
        self.details = dict(details or {})


class InvalidRequest(ServiceError):
    """One or more values of the request break a rule; `faults` lists them all."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(fault.message for fault in faults), faults)


class ArchitectureRejected(InvalidRequest):
    """An architecture of the request breaks a rule of graphs or of its search space."""


class CheckpointRejected(InvalidRequest):
    """What was uploaded is no checkpoint that can be used."""


class IdempotencyKeyReused(InvalidRequest):
    """An idempotency key comes with another request than the first time."""


class BodyTooLarge(ServiceError):
    """The body of the request is longer than the settings allow."""


class UnsupportedBody(ServiceError):
    """The body of the request is of a kind that the operation does not read."""


class NotFound(ServiceError):
    """Something that the request names does not exist."""


class StudyNotFound(NotFound):
    """No study has this name."""


class TrialNotFound(NotFound):
    """No trial has this id."""


class SpaceNotFound(NotFound):
    """No search space has this name."""


class ModelNotFound(NotFound):
    """No checkpoint has this name or hash, or none exists for a space."""


class Conflict(ServiceError):
    """The request does not fit what is stored."""


class StudyExists(Conflict):
    """A study with this name is there already."""


class SpaceExists(Conflict):
    """Another search space has this name."""


class ModelExists(Conflict):
    """Another checkpoint has this name."""


class ModelInUse(Conflict):
    """A checkpoint cannot be deleted: a study is pinned to it, or it was never uploaded."""


class BudgetExhausted(Conflict):
    """The study holds as many trials as its `max_trials` allows."""


class ConflictingObservation(Conflict):
    """A finished trial is observed again with another outcome; the stored one stands, this one is kept as a late record."""


class LeaseLost(Conflict):
    """An observation came from an attempt after another one had finished the trial, or a failure from one that had lost it to
    another; it is kept as a late record.
    """


class IllegalTransition(Conflict):
    """A trial cannot change from its state to the one asked for."""


class NotAcceptable(ServiceError):
    """The answer has none of the media types that the caller accepts; `details` list those it has."""


class RequestInProgress(Conflict):
    """The first request with an idempotency key is still being worked on."""


class AccessRefused(ServiceError):
    """The caller may not do this."""


class Unauthenticated(AccessRefused):
    """No key came, or one that does not exist."""


class Denied(AccessRefused):
    """The key's scope does not suffice."""


class ForeignCaller(AccessRefused):
    """A request that needs no key comes from a web page of another origin, or for another host."""


class TooManyRequests(ServiceError):
    """A caller sends requests faster than the settings allow."""


class NotInstalled(ServiceError):
    """The service runs without an optional package that the request needs."""


class Unavailable(ServiceError):
    """The service cannot answer now; the same request may succeed a little later."""


class ModelUnavailable(Unavailable):
    """The model worker was lost or took too long."""


class DatabaseUnavailable(Unavailable):
    """The database does not answer, or another program kept it locked for too long."""


class CatalogueDamaged(Unavailable):
    """A file in the folders of checkpoints cannot be used, so that nobody can tell what there is."""


class StorageFailed(Unavailable):
    """An upload cannot be written to disk."""


class StorageFull(DatabaseUnavailable):
    """The database has no room for what is to be stored; what is there can still be read."""


class NotReady(Unavailable):
    """The database, its schema or the model worker is not in order."""
