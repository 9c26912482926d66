"""What Prometheus reads follows what happens."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.service.api.harness import ONE_SPACE, Service

pytestmark = pytest.mark.anyio

Sample = tuple[str, frozenset[tuple[str, str]]]


async def scrape(service: Service) -> dict[Sample, float]:
    response = await service.client.get("/metrics")
    assert response.status_code == 200
    families = text_string_to_metric_families(response.text)
    return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


def sample(name: str, **labels: str) -> Sample:
    return name, frozenset(labels.items())


async def test_requests_suggests_fits_and_trials_are_counted(service: Service) -> None:
    before = await scrape(service)
    await service.post("/studies", ONE_SPACE | {"lease_seconds": 60, "max_attempts": 1}, 201)
    first = (await service.suggest("a"))["trials"][0]
    await service.suggest("b", wait=0)
    await service.observe(first, 0.5)
    await service.get("/studies/nowhere", 404)
    await service.client.request("BREW", "/studies/coffee")
    service.clock.advance(61)
    await service.suggest("c", wait=0)
    after = await scrape(service)

    def grown(name: str, **labels: str) -> float:
        return after.get(sample(name, **labels), 0.0) - before.get(sample(name, **labels), 0.0)

    assert grown("svge_request_seconds_count", method="POST", route="/suggest", status="200") == 3
    assert grown("svge_request_seconds_count", method="GET", route="/studies/{name}", status="404") == 1
    assert (
        sum(grown(name, **dict(labels)) for name, labels in after if ("method", "other") in labels and name.endswith("_count")) == 1
    )
    assert not any("nowhere" in value or "coffee" in value for _, labels in after for _, value in labels)
    assert grown("svge_suggest_seconds_count", source="initial") == 1
    assert grown("svge_suggest_seconds_count", source="fallback") == 2
    assert grown("svge_fit_seconds_count", outcome="done") == 1
    assert grown("svge_expired_leases_total") == 1
    states = {state: after[sample("svge_trials", state=state)] for state in ("running", "completed", "failed", "waiting")}
    assert states == {"running": 1.0, "completed": 1.0, "failed": 1.0, "waiting": 0.0}


async def test_a_failed_fit_is_counted_as_such(service: Service) -> None:
    await service.post("/studies", ONE_SPACE, 201)
    before = await scrape(service)
    service.worker.lost = True
    await service.suggest("a", wait=1)
    after = await scrape(service)
    failed = sample("svge_fit_seconds_count", outcome="failed")
    assert after[failed] - before.get(failed, 0.0) >= 1
