"""Notes and tags."""

from typing import Any

import pytest

from tests.service.api.harness import ONE_SPACE, Service

pytestmark = pytest.mark.anyio


async def patch(service: Service, path: str, body: Any, status: int = 200) -> Any:
    answer = await service.client.patch(path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_what_is_written_on_a_study_stays_until_it_is_taken_away(service: Service) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    written = await patch(service, "/studies/demo", {"note": "für später", "tags": ["b", "a", "b"]})
    assert (written["note"], written["tags"]) == ("für später", ["b", "a"])
    assert await service.get("/studies/demo") == written
    await service.post("/studies", ONE_SPACE | {"name": "other"}, 201)
    for tag, expected in (("a", [written]), ("A", []), ("c", [])):
        assert (await service.get("/studies", tag=tag))["studies"] == expected
    changed = await patch(service, "/studies/demo", {"tags": None})
    assert (changed["note"], changed["tags"]) == ("für später", [])
    assert (await patch(service, "/studies/demo", {}))["note"] == "für später"
    assert (await patch(service, "/studies/demo", {"note": None}))["note"] is None


async def test_trials_are_found_by_their_tags(service: Service) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    trials = (await service.suggest("w", 5))["trials"]
    for trial, tags in zip(trials, (["odd"], ["even"], ["odd", "best"], ["odder"], ["Odd"]), strict=True):
        answer = await patch(service, f"/trials/{trial['id']}", {"tags": tags, "note": "seen"})
        assert (answer["trial"]["tags"], answer["trial"]["note"]) == (tags, "seen")
    await service.observe(trials[2], 0.5)
    for tag, expected in (("odd", [1, 3]), ("even", [2]), ("best", [3]), ("od", []), ("o.d", [])):
        found = (await service.get("/studies/demo/trials", tag=tag))["trials"]
        assert [trial["number"] for trial in found] == expected, tag
    assert [trial["number"] for trial in (await service.get("/studies/demo/trials", tag="Odd"))["trials"]] == [5]
    page = await service.get("/studies/demo/trials", tag="odd", limit=1)
    rest = await service.get("/studies/demo/trials", tag="odd", limit=5, cursor=page["next_cursor"])
    assert [trial["number"] for trial in page["trials"] + rest["trials"]] == [1, 3]
    completed = (await service.get("/studies/demo/trials", tag="odd", state="completed"))["trials"]
    assert [(trial["number"], trial["note"]) for trial in completed] == [(3, "seen")]


async def test_a_result_leaves_note_and_tags_alone(service: Service) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    trial = (await service.suggest("w"))["trials"][0]
    await patch(service, f"/trials/{trial['id']}", {"note": "mine", "tags": ["x"]})
    done = (await service.observe(trial, 0.25))["trial"]
    assert (done["value"], done["note"], done["tags"]) == (0.25, "mine", ["x"])
    again = (await patch(service, f"/trials/{trial['id']}", {"note": "ours"}))["trial"]
    assert (again["value"], again["state"], again["note"]) == (0.25, "completed", "ours")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"tags": ["a b"]}, "/tags/0"),
        ({"tags": ["a%"]}, "/tags/0"),
        ({"tags": [""]}, "/tags/0"),
        ({"tags": ["x" * 51]}, "/tags/0"),
        ({"tags": [str(n) for n in range(21)]}, "/tags"),
        ({"tags": "a"}, "/tags"),
        ({"note": 3}, "/note"),
        ({"note": "x" * 10_001}, "/note"),
        ({"notes": "x"}, "/notes"),
    ],
)
async def test_what_cannot_be_written_is_named(service: Service, body: Any, pointer: str) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    problem = await patch(service, "/studies/demo", body, 422)
    assert [fault["pointer"] for fault in problem["errors"]] == [pointer]
    assert (await service.get("/studies/demo"))["tags"] == []


async def test_nothing_is_written_on_what_is_not_there(service: Service) -> None:
    assert (await patch(service, "/studies/none", {"note": "x"}, 404))["code"] == "study_not_found"
    assert (await patch(service, "/trials/none", {"note": "x"}, 404))["code"] == "trial_not_found"
