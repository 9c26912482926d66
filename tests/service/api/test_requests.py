import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from service.logs import JsonFormatter
from tests.service.api.harness import ONE_SPACE, Service, running

pytestmark = pytest.mark.anyio


async def chunks(size: int, number: int) -> AsyncIterator[bytes]:
    for _ in range(number):
        yield b" " * size


async def test_a_body_of_ten_megabytes_is_refused(service: Service) -> None:
    response = await service.client.post("/observe", content=b" " * 10_000_000, headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")
    assert response.headers["content-type"] == "application/problem+json"
    assert "8388608 bytes" in response.json()["detail"]


async def test_a_large_body_in_pieces_is_refused_too(service: Service) -> None:
    for number in (10, 200):
        response = await service.client.post("/observe", content=chunks(1_000_000, number))
        assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/observe", [0] * 1_000_000),
        ("/heartbeat", {"worker": "a", "trials": [0] * 1_000_000}),
        ("/decode", {"study": "demo", "latents": [0] * 1_000_000}),
    ],
    ids=["observe", "heartbeat", "decode"],
)
async def test_a_list_that_is_too_long_is_refused_without_a_fault_for_each_entry(path: str, body: Any, service: Service) -> None:
    problem = await service.post(path, body, 422)
    assert [fault["message"][:9] for fault in problem["errors"]] == ["expected "]
    assert "at most 20000 items" in problem["detail"]


async def test_the_limit_is_a_setting(tmp_path: Path) -> None:
    async with running(tmp_path, max_body_bytes=2000) as service:
        for spaces, status in ((1000, 201), (2000, 413)):
            body = json.dumps(ONE_SPACE) + " " * spaces
            response = await service.client.post("/studies", content=body, headers={"Content-Type": "application/json"})
            assert response.status_code == status


async def test_each_answer_names_its_request(service: Service) -> None:
    first, second = [(await service.client.get("/healthz")).headers["x-request-id"] for _ in range(2)]
    assert first != second
    named = await service.client.get("/nowhere", headers={"X-Request-ID": "mine-1"})
    assert (named.headers["x-request-id"], named.json()["request_id"]) == ("mine-1", "mine-1")
    odd = await service.client.get("/healthz", headers={"X-Request-ID": "a b\t<script>"})
    assert odd.headers["x-request-id"].isalnum()


async def test_each_request_is_a_line_in_the_log(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="service.api.requests"):
        await service.client.get("/studies/nowhere")
    (record,) = [record for record in caplog.records if record.name == "service.api.requests"]
    line = json.loads(JsonFormatter().format(record))
    assert (line["level"], line["method"], line["path"], line["status"]) == ("INFO", "GET", "/studies/nowhere", 404)
    assert line["milliseconds"] >= 0


async def test_an_object_with_too_many_members_is_refused_without_a_fault_for_each(service: Service) -> None:
    crowd = {str(index): "" for index in range(100_000)}
    for body, pointer in ((crowd, ""), ({"trial": "t", "attempt": 1, "value": 1.0, "metrics": crowd}, "/metrics")):
        problem = await service.post("/observe", body, 422)
        assert [fault["pointer"] for fault in problem["errors"]] == [pointer]
        assert "got 100000; send fewer" in problem["detail"]


async def test_a_list_of_crowded_entries_is_read_up_to_the_first(service: Service) -> None:
    problem = await service.post("/observe", [{str(index): 0 for index in range(40)}] * 1000, 422)
    assert {fault["pointer"].split("/")[1] for fault in problem["errors"]} == {"0"}
