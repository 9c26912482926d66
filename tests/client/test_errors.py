import httpx
import pytest
import svge_client
from svge_client import errors
from svge_client.errors import SvgeError, error_of

from tests.client.wire import problem


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "malformed_json", errors.Invalid),
        (401, "unauthorized", errors.Denied),
        (403, "forbidden", errors.Denied),
        (404, "study_not_found", errors.NotFound),
        (409, "conflicting_observation", errors.Conflict),
        (409, "lease_lost", errors.LeaseLost),
        (413, "body_too_large", errors.Invalid),
        (418, "teapot", errors.ResponseError),
        (422, "invalid_request", errors.Invalid),
        (429, "too_many_requests", errors.RateLimited),
        (500, "internal_error", errors.ServerFault),
        (503, "model_unavailable", errors.Unavailable),
    ],
)
def test_each_status_has_its_error(status: int, code: str, kind: type[SvgeError]) -> None:
    error = error_of(problem(status, code))
    assert type(error) is kind
    assert error.problem.status == status
    assert error.problem.code == code
    assert f"the detail of {code}" in str(error)


def test_field_faults_are_carried_and_printed() -> None:
    error = error_of(problem(422, "invalid_request", errors=[{"pointer": "/value", "message": "expected a finite number"}]))
    assert error.problem.errors == (errors.FieldFault("/value", "expected a finite number"),)
    assert "/value: expected a finite number" in str(error)


@pytest.mark.parametrize("content", [b"<html>Bad Gateway</html>", b"", b"[1]", b"\xff"])
def test_an_answer_that_is_no_problem_document_is_still_an_error(content: bytes) -> None:
    error = error_of(httpx.Response(502, content=content))
    assert isinstance(error, errors.Unavailable)
    assert error.problem.code == "http_502"


def test_every_public_error_is_under_the_root() -> None:
    public = [getattr(svge_client, name) for name in svge_client.__all__]
    raised = [item for item in public if isinstance(item, type) and issubclass(item, BaseException)]
    assert len(raised) > 10
    assert all(issubclass(error, SvgeError) for error in raised)
