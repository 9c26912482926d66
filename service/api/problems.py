"""The one table of what errors become in HTTP, and the problem document (RFC 9457) that callers get.

Finding the faults in a body that does not fit its schema is `validation.py`.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from models.architectures.architecture import Fault
from service import errors
from service.api.validation import faults_of, malformed_json
from service.logs import request_id

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:svge-search:problem:"
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the table: the HTTP status, the stable `code`, and a title that is the same for every occurrence."""

    status: int
    code: str
    title: str


BODY_TOO_LARGE = Kind(413, "body_too_large", "The body is too large")

KINDS: Mapping[type[errors.ServiceError], Kind] = {
    errors.ServiceError: Kind(500, "internal_error", "The service failed"),
    errors.InvalidRequest: Kind(422, "invalid_request", "A value of the request breaks a rule"),
    errors.ArchitectureRejected: Kind(422, "invalid_architecture", "The architecture breaks a rule of its search space"),
    errors.CheckpointRejected: Kind(422, "invalid_checkpoint", "The file is no checkpoint that can be used"),
    errors.IdempotencyKeyReused: Kind(422, "idempotency_key_reused", "The idempotency key belongs to another request"),
    errors.BodyTooLarge: BODY_TOO_LARGE,
    errors.UnsupportedBody: Kind(415, "unsupported_media_type", "The operation does not read bodies of this kind"),
    errors.NotFound: Kind(404, "not_found", "Something that the request names does not exist"),
    errors.StudyNotFound: Kind(404, "study_not_found", "There is no such study"),
    errors.TrialNotFound: Kind(404, "trial_not_found", "There is no such trial"),
    errors.SpaceNotFound: Kind(404, "space_not_found", "There is no such search space"),
    errors.ModelNotFound: Kind(404, "model_not_found", "There is no such model"),
    errors.Conflict: Kind(409, "conflict", "The request does not fit what is stored"),
    errors.StudyExists: Kind(409, "study_exists", "A study with this name exists"),
    errors.SpaceExists: Kind(409, "space_exists", "Another search space has this name"),
    errors.ModelExists: Kind(409, "model_exists", "Another model has this name"),
    errors.ModelInUse: Kind(409, "model_in_use", "The model is kept"),
    errors.BudgetExhausted: Kind(409, "budget_exhausted", "The study holds all the trials it may"),
    errors.ConflictingObservation: Kind(409, "conflicting_observation", "The trial is finished with another outcome"),
    errors.LeaseLost: Kind(409, "lease_lost", "The trial is another attempt's; this result is kept as a late record"),
    errors.IllegalTransition: Kind(409, "illegal_transition", "The trial cannot change to this state"),
    errors.RequestInProgress: Kind(409, "request_in_progress", "The first request with this key is being worked on"),
    errors.NotAcceptable: Kind(406, "not_acceptable", "The answer has none of the media types that are accepted"),
    errors.AccessRefused: Kind(403, "access_refused", "The caller may not do this"),
    errors.Unauthenticated: Kind(401, "unauthenticated", "A key is needed"),
    errors.Denied: Kind(403, "denied", "The key does not suffice"),
    errors.ForeignCaller: Kind(403, "foreign_caller", "Only this machine is answered without a key"),
    errors.TooManyRequests: Kind(429, "too_many_requests", "The caller sends requests too fast"),
    errors.NotInstalled: Kind(501, "not_installed", "An optional package is not installed"),
    errors.Unavailable: Kind(503, "unavailable", "The service cannot answer now"),
    errors.ModelUnavailable: Kind(503, "model_unavailable", "The model worker cannot answer now"),
    errors.DatabaseUnavailable: Kind(503, "database_unavailable", "The database cannot answer now"),
    errors.CatalogueDamaged: Kind(503, "catalogue_damaged", "The checkpoints cannot be read"),
    errors.StorageFailed: Kind(507, "insufficient_storage", "The upload cannot be stored"),
    errors.StorageFull: Kind(507, "storage_full", "The database has no room left"),
    errors.NotReady: Kind(503, "not_ready", "The service is not ready"),
}

MALFORMED_JSON = Kind(400, "malformed_json", "The body is not JSON")

HTTP_KINDS: Mapping[int, tuple[Kind, str]] = {
    400: (MALFORMED_JSON, "the body cannot be read as JSON; send one JSON value in UTF-8"),
    404: (Kind(404, "route_not_found", "There is nothing at this path"), "no operation has this path; /docs lists them"),
    405: (
        Kind(405, "method_not_allowed", "The path has no such method"),
        "this path has other methods; the Allow header names them",
    ),
}


class FaultSchema(BaseModel):
    """One part of the request at fault. `pointer` is a JSON pointer into the body, or `/` and the name of a parameter."""

    pointer: str
    message: str


class Problem(BaseModel):
    """A problem document. `code` is stable; `detail` says what was expected, what came and what to do."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "type": f"{TYPE_PREFIX}invalid_request",
                    "title": "A value of the request breaks a rule",
                    "status": 422,
                    "detail": "/value: this field is required; add it",
                    "instance": "/observe",
                    "code": "invalid_request",
                    "request_id": "1f3a5c7e9b2d4f60",
                    "errors": [{"pointer": "/value", "message": "this field is required; add it"}],
                }
            ]
        },
    )

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    errors: list[FaultSchema]


def problem_response(
    kind: Kind,
    detail: str,
    path: str,
    faults: Sequence[Fault] = (),
    details: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The response for one problem; `details` become further members of the document."""
    document = {
        "type": TYPE_PREFIX + kind.code,
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "instance": path,
        "code": kind.code,
        "request_id": request_id(),
        "errors": [{"pointer": fault.pointer, "message": fault.message} for fault in faults],
        **(details or {}),
    }
    further = {503: {"Retry-After": "1"}, 401: {"WWW-Authenticate": "Bearer"}, 406: {"Vary": "Accept"}}.get(kind.status, {})
    return Response(json.dumps(document), kind.status, {**further, **(headers or {})}, MEDIA_TYPE)


def service_problem(error: errors.ServiceError, path: str) -> Response:
    """The response for an error of the service's own."""
    kind = KINDS[type(error)]
    if kind.status >= 500:
        _log.warning("%s: %s", kind.code, error.message, exc_info=error.__cause__)
    headers = {"Retry-After": "1"} if isinstance(error, errors.RequestInProgress) else None
    return problem_response(kind, error.message, path, error.faults, error.details, headers)


def internal_problem(path: str) -> Response:
    """The response for a failure that nobody foresaw; what happened is in the log under the request's id."""
    kind = KINDS[errors.ServiceError]
    return problem_response(kind, f"the service failed; its log has the cause under the request id {request_id()}", path)


def install_problem_handlers(app: FastAPI) -> None:
    """Make the application answer every error with a problem document."""
    app.add_exception_handler(errors.ServiceError, _on_service_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_error)


async def _on_service_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, errors.ServiceError)
    return service_problem(error, request.url.path)


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    malformed = malformed_json(error)
    if malformed is not None:
        return problem_response(MALFORMED_JSON, malformed, request.url.path)
    faults = faults_of(error)
    detail = "; ".join(f"{fault.pointer or 'body'}: {fault.message}" for fault in faults)
    return problem_response(KINDS[errors.InvalidRequest], detail, request.url.path, faults)


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code in HTTP_KINDS:
        kind, detail = HTTP_KINDS[error.status_code]
    else:
        kind, detail = Kind(error.status_code, f"http_{error.status_code}", error.detail), error.detail
    headers = error.headers
    if error.status_code == 405 and headers:
        headers = {**headers, "Allow": ", ".join(_methods(request))}
    return problem_response(kind, detail, request.url.path, headers=headers)


def _methods(request: Request) -> list[str]:
    """The methods of a path. The framework names those of the first operation on it alone."""
    scopes = {method: {**request.scope, "method": method} for method in METHODS}
    routes = request.app.routes
    return [method for method, scope in scopes.items() if any(route.matches(scope)[0] is Match.FULL for route in routes)]
