"""Parquet: what other programs read in it is what the JSON lines say, with types; and it comes in again by way of JSON."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from service.studies import parquet as exported
from tests.service.api.harness import ONE_SPACE, Service

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[3]
GOAL = {"accuracy": "maximize", "seconds": "minimize"}


async def read(service: Service) -> parquet.ParquetFile:
    response = await service.client.get("/studies/demo/export", params={"format": "parquet"})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/vnd.apache.parquet"
    assert 'filename="demo.parquet"' in response.headers["content-disposition"]
    return parquet.ParquetFile(pyarrow.BufferReader(response.content))


async def lines_of(service: Service) -> list[Any]:
    text = (await service.client.get("/studies/demo/export?format=jsonl")).text
    return [json.loads(line) for line in text.splitlines()]


def as_line(row: dict[str, Any], objectives: tuple[str, ...] = ()) -> dict[str, Any]:
    """A row of the file in the form of the JSON lines."""
    line = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
    line["architecture"] = {part: line.pop(part) for part in ("space", "nodes", "edges")}
    values = {name: line.pop(f"values.{name}") for name in objectives}
    return line | {"values": None if None in values.values() or not values else values}


async def test_it_says_what_the_json_lines_say(service: Service) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    trials = (await service.suggest("wörker, one", 5))["trials"]
    await service.observe(trials[1], 0.1 + 0.2)
    await service.post("/observe", {"trial": trials[2]["id"], "attempt": 1, "status": "failed", "reason": "out of memory"})
    rows = (await read(service)).read().to_pylist()
    assert [as_line(row) for row in rows] == await lines_of(service)
    assert len(rows) == 5


async def test_objectives_with_names_are_columns_of_numbers(service: Service) -> None:
    await service.post("/studies", {"name": "demo", "space": "nasbench201", "objectives": GOAL}, 201)
    trials = (await service.suggest("w", 2))["trials"]
    await service.post("/observe", {"trial": trials[0]["id"], "attempt": 1, "values": {"accuracy": 0.5, "seconds": 3}})
    table = (await read(service)).read()
    assert table.column("values.seconds").to_pylist() == [3.0, None]
    assert [as_line(row, tuple(GOAL)) for row in table.to_pylist()] == await lines_of(service)


async def test_columns_have_types_and_an_empty_study_has_them_too(service: Service) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    schema = (await read(service)).schema_arrow
    types = {field.name: str(field.type) for field in schema}
    assert types["number"] == types["parameters"] == "int64"
    assert types["value"] == types["predicted_mean"] == "double"
    assert types["created_at"] == types["finished_at"] == "timestamp[us, tz=UTC]"
    assert types["nodes"] == "list<element: string>"
    assert types["edges"] == "list<element: list<element: int32>>"


async def test_a_long_study_is_written_a_row_group_at_a_time(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exported, "_ROW_GROUP", 40)
    await service.post("/studies", ONE_SPACE, 201)
    await service.suggest("w", 100)
    file = await read(service)
    assert [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)] == [40, 40, 20]
    assert file.read(["number"]).column("number").to_pylist() == list(range(1, 101))


async def test_its_rows_come_in_again_as_json_lines(service: Service) -> None:
    for name, goals in (("demo", {"objectives": GOAL}), ("two", {"objectives": GOAL})):
        await service.post("/studies", {"name": name, "space": "nasbench201", **goals}, 201)
    for trial in (await service.suggest("w", 3))["trials"][:2]:
        values = {"accuracy": trial["number"] / 10, "seconds": 3}
        await service.post("/observe", {"trial": trial["id"], "attempt": 1, "values": values})
    rows = (await read(service)).read().to_pylist()
    content = "\n".join(json.dumps(row, default=str) for row in rows)
    response = await service.client.post("/studies/two/import?format=jsonl", content=content)
    assert response.json() == {"imported": 2, "unchanged": 0, "left_out": 1}
    kept = ("architecture", "state", "values")
    before, after = [(await service.get(f"/studies/{name}/trials"))["trials"] for name in ("demo", "two")]
    assert [[trial[field] for field in kept] for trial in after] == [[trial[field] for field in kept] for trial in before[:2]]


async def test_without_the_package_it_is_said_what_to_install(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    problem = await service.get("/studies/demo/export", 501, format="parquet")
    assert problem["code"] == "not_installed"
    assert "pip install -c constraints.txt '.[parquet]'" in problem["detail"]
    assert (await service.get("/studies/nowhere/export", 404, format="parquet"))["code"] == "study_not_found"
    assert (await service.client.get("/studies/demo/export")).status_code == 200


def test_the_service_starts_without_loading_it() -> None:
    code = "import sys, service.app; print('pyarrow' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
