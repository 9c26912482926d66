"""Spaces over HTTP: what is added and seen, and what is refused with which words."""

import json
from pathlib import Path

import pytest

from models.spaces.registry import define_space
from tests.service.api.harness import Service
from tests.service.api.uploading import MINE, YAML, left_over, post_space

pytestmark = pytest.mark.anyio

JSON = "application/json"

REFUSED: list[tuple[str | bytes, str, int, str, str, str]] = [
    (YAML.replace("max_edges: 8", "max_edges: 3"), "text/yaml", 422, "invalid_request", "/max_edges", "raise 'max_edges'"),
    (YAML.replace("[a, b]", "[a, b, a]"), "application/yaml", 422, "invalid_request", "/operations/0", "list it once"),
    (YAML.replace("[a, b]", "[a, 5]"), "application/yaml", 422, "invalid_request", "/operations/1", "must be text"),
    (YAML.replace("ports", "prots"), "application/yaml", 422, "invalid_request", "/prots", "did you mean 'ports'"),
    (YAML + "ports: 2", "application/yaml", 422, "invalid_request", "/ports", "given twice"),
    (YAML.replace("name: mine", ""), "application/yaml", 422, "invalid_request", "/name", "is missing"),
    (YAML.replace("mine", "../mine"), "application/yaml", 422, "invalid_request", "/name", "must be lower-case"),
    ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]", "application/yaml", 422, "invalid_request", "", "line 2 has an alias"),
    ("[" * 60_000, "application/yaml", 422, "invalid_request", "", "nested too deeply"),
    ("name: !!python/object/apply:os.getcwd []", "application/yaml", 422, "invalid_request", "", "is no YAML"),
    (b"name: \xff", "application/yaml", 422, "invalid_request", "", "UTF-8"),
    ("", "application/yaml", 422, "invalid_request", "", "expected the fields name"),
    (YAML + "#" * 65536, "application/yaml", 413, "body_too_large", "", "65536 bytes"),
    (json.dumps({**MINE, "min_nodes": 9}), JSON, 422, "invalid_request", "/min_nodes", "lower the first"),
    (json.dumps({**MINE, "max_nodes": 10**30}), JSON, 422, "invalid_request", "/max_nodes", "between 3"),
    ('{"name": "mine", "name": "yours"}', JSON, 422, "invalid_request", "", "given twice"),
    ('{"name": "mine", ', JSON, 400, "malformed_json", "", "character 17"),
    ("[" * 60_000, JSON, 400, "malformed_json", "", "levels"),
    (YAML, JSON, 400, "malformed_json", "", "not JSON"),
    (b'{"name": "\xff"}', JSON, 422, "invalid_request", "", "UTF-8"),
    ('{"max_nodes": ' + "1" * 5000 + "}", JSON, 400, "malformed_json", "", "digits"),
    (YAML, "application/x-www-form-urlencoded", 415, "unsupported_media_type", "", "application/yaml"),
    (YAML.replace("mine", "nasbench101"), "application/yaml", 409, "space_exists", "", "another name"),
]


async def test_a_space_is_added_in_yaml_or_json_once(sole: Service, tmp_path: Path) -> None:
    status, space = await post_space(sole, YAML)
    assert status == 201
    assert space == {
        "name": "mine",
        "operations": ["a", "b"],
        "max_nodes": 6,
        "size": define_space(MINE).size,
        "models": [],
        "definition": {**MINE, "min_nodes": 2, "chain": False, "output": "dangling"},
    }
    assert space in (await sole.get("/spaces"))["spaces"]
    assert await post_space(sole, json.dumps(MINE), JSON) == (200, space)
    assert await post_space(sole, json.dumps(space["definition"]), JSON + "; charset=utf-8") == (200, space)
    status, problem = await post_space(sole, YAML.replace("ports: 2", "ports: 1"))
    assert (status, problem["code"]) == (409, "space_exists")
    assert "give a changed space another name" in problem["detail"]
    assert [Path(path).name for path in left_over(tmp_path)] == ["mine.space.yaml"]


async def test_a_space_without_a_model_can_be_looked_at_but_not_studied(sole: Service) -> None:
    await post_space(sole, YAML)
    problem = await sole.post("/studies", {"name": "demo", "space": "mine"}, 404)
    assert problem["code"] == "model_not_found"
    assert "svge train --space mine" in problem["detail"]


async def test_a_posted_space_is_replayed_under_its_key(sole: Service) -> None:
    headers = {"Content-Type": "application/yaml", "Idempotency-Key": "k"}
    first = await sole.client.post("/spaces", content=YAML, headers=headers)
    again = await sole.client.post("/spaces", content=YAML, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == first.json()


async def test_a_space_that_cannot_be_is_refused(sole: Service, tmp_path: Path) -> None:
    for content, kind, status, code, pointer, words in REFUSED:
        answer, problem = await post_space(sole, content, kind)
        assert (answer, problem["code"]) == (status, code), (content[:80], problem)
        assert (problem["errors"] or [{"pointer": ""}])[0]["pointer"] == pointer, problem
        assert words in problem["detail"], problem
    assert left_over(tmp_path) == []
