"""`since`: a page that stays up to date sees every change once, in order."""

from typing import Any

import pytest

from tests.service.api.harness import ONE_SPACE, Service

pytestmark = pytest.mark.anyio


async def changes(service: Service, since: str, **more: Any) -> tuple[list[tuple[int, str]], str]:
    page = await service.get("/studies/demo/trials", since=since, **more)
    assert page["next_cursor"] is None
    return [(trial["number"], trial["state"]) for trial in page["trials"]], page["next_since"]


async def test_each_change_is_seen_once(service: Service) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    since = (await service.get("/studies/demo/trials"))["next_since"]
    trials = (await service.suggest("w", 3))["trials"]
    seen, since = await changes(service, since)
    assert seen == [(1, "running"), (2, "running"), (3, "running")]
    assert await changes(service, since) == ([], since)
    await service.observe(trials[2], 0.1)
    await service.observe(trials[0], 0.2)
    seen, since = await changes(service, since)
    assert seen == [(3, "completed"), (1, "completed")]
    await service.client.patch(f"/trials/{trials[1]['id']}", json={"tags": ["x"]})
    seen, since = await changes(service, since)
    assert seen == [(2, "running")]
    service.clock.advance(10_000)
    await service.suggest("v")
    seen, since = await changes(service, since)
    assert seen == [(2, "running")]
    assert await changes(service, since) == ([], since)


async def test_a_listing_says_where_to_go_on(service: Service) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    trials = (await service.suggest("w", 4))["trials"]
    await service.observe(trials[1], 0.1)
    page = await service.get("/studies/demo/trials", limit=2)
    assert await changes(service, page["next_since"]) == ([], page["next_since"])
    await service.observe(trials[3], 0.1)
    seen, _ = await changes(service, page["next_since"])
    assert seen == [(4, "completed")]


async def test_many_changes_come_a_page_at_a_time(service: Service) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    since = (await service.get("/studies/demo/trials"))["next_since"]
    await service.suggest("w", 5)
    seen = []
    for _ in range(3):
        some, since = await changes(service, since, limit=2)
        seen += some
    assert [number for number, _ in seen] == [1, 2, 3, 4, 5]


async def test_what_a_filter_leaves_out_is_not_looked_at_again(service: Service) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    since = (await service.get("/studies/demo/trials"))["next_since"]
    trials = (await service.suggest("w", 3))["trials"]
    await service.observe(trials[1], 0.5)
    seen, filtered = await changes(service, since, state="completed")
    assert seen == [(2, "completed")]
    assert filtered == (await service.get("/studies/demo/trials"))["next_since"]
    assert await changes(service, filtered) == ([], filtered)
    nothing, moved = await changes(service, since, state="failed")
    assert (nothing, moved) == ([], filtered)


async def test_a_renewed_lease_is_no_change(service: Service) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    trial = (await service.suggest("w"))["trials"][0]
    since = (await service.get("/studies/demo/trials"))["next_since"]
    service.clock.advance(60)
    beat = await service.post("/heartbeat", {"worker": "w", "trials": [trial["id"]]})
    assert beat["renewed"][0]["lease_expires_at"] > trial["lease_expires_at"]
    assert await changes(service, since) == ([], since)


async def test_cursors_of_one_kind_are_not_taken_for_the_other(service: Service) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    await service.suggest("w", 3)
    page = await service.get("/studies/demo/trials", limit=2)
    for given in ({"since": page["next_cursor"]}, {"cursor": page["next_since"]}, {"since": "x"}):
        problem = await service.get("/studies/demo/trials", 422, **given)
        assert [fault["pointer"] for fault in problem["errors"]] == [f"/{next(iter(given))}"]
    both = await service.get("/studies/demo/trials", 422, since=page["next_since"], cursor=page["next_cursor"])
    assert both["errors"][0]["pointer"] == "/since"
