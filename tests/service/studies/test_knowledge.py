"""What the search is told of studies with more observations than it looks at."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.architectures.canonical import canonical_id
from models.architectures.formats import to_json
from models.search.proposal import ProposalBatch, ProposalRequest
from tests.service.api.harness import ONE_SPACE, Service, running
from tests.service.storage.test_trials import architectures

pytestmark = pytest.mark.anyio

LIMIT = 100


@pytest.fixture
async def narrow(tmp_path: Path, database_url: str) -> AsyncIterator[Service]:
    """A service that shows the search at most a hundred observations."""
    async with running(tmp_path, database_url=database_url, max_observations=LIMIT) as service:
        yield service


async def observed(service: Service, size: int, first: int = 0) -> None:
    """Results from elsewhere, the worst first."""
    graphs = architectures(size)[first:]
    body = [{"study": "demo", "architecture": to_json(graph), "value": place / 1000} for place, graph in enumerate(graphs, first)]
    await service.post("/observe", body)


def names(request: ProposalRequest) -> list[str]:
    return [canonical_id(observation.architecture) for observation in request.observations]


async def test_up_to_the_limit_everything_is_told(narrow: Service) -> None:
    await narrow.post("/studies", ONE_SPACE, 201)
    await observed(narrow, LIMIT)
    await narrow.suggest("a", 3)
    (request,) = narrow.worker.requests
    assert names(request) == [canonical_id(graph) for graph in architectures(LIMIT)]
    assert (request.count, request.initial_size) == (3, 10)


async def test_beyond_it_a_part_is_told_and_nothing_is_proposed_twice(narrow: Service) -> None:
    await narrow.post("/studies", ONE_SPACE | {"initial_size": 180}, 201)
    await observed(narrow, 150)
    answer = await narrow.suggest("a", 3)
    (request,) = narrow.worker.requests
    told = names(request)
    graphs = [canonical_id(graph) for graph in architectures(150)]
    assert len(told) < LIMIT
    assert told == [graph for graph in graphs if graph in set(told)]
    assert set(graphs[-25:]) <= set(told)
    assert 180 - request.initial_size == 150 - len(told)
    assert not {trial["canonical_id"] for trial in answer["trials"]} & set(graphs)
    assert [trial["observations_seen"] for trial in answer["trials"]] == [len(told)] * 3
    await narrow.suggest("b", 3)
    assert names(narrow.worker.requests[-1]) == told


async def test_the_search_is_told_of_what_it_proposes_though_it_is_known(narrow: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that likes what the study has best, as far as it does not know of it, comes to something new."""
    await narrow.post("/studies", ONE_SPACE, 201)
    await observed(narrow, 150)
    propose, known = narrow.worker.propose, architectures(40)
    (failed,) = (await narrow.suggest("a", wait=0))["trials"]
    await narrow.post("/observe", {"trial": failed["id"], "attempt": 1, "status": "failed"})

    async def fond_of_the_old(model: str, request: ProposalRequest, study: int = 0) -> ProposalBatch:
        batch = await propose(model, request)
        untold = [graph for graph in known if canonical_id(graph) not in {*names(request), *request.excluded}][:18]
        old = tuple(
            replace(proposal, architecture=graph, canonical_id=canonical_id(graph))
            for proposal, graph in zip(batch.proposals, untold, strict=False)
        )
        return replace(batch, proposals=old + batch.proposals[len(old) :])

    monkeypatch.setattr(narrow.worker, "propose", fond_of_the_old)
    answer = await narrow.suggest("b", 2)
    assert {trial["source"] for trial in answer["trials"]} == {"acquisition"}
    assert not {trial["canonical_id"] for trial in answer["trials"]} & {canonical_id(graph) for graph in known}
    first, *more = narrow.worker.requests
    assert len(more) == 1
    assert len(more[0].observations) == len(first.observations) + 18
    assert all(failed["canonical_id"] in request.excluded for request in narrow.worker.requests)


async def test_predictions_are_based_on_the_same_part(narrow: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    await narrow.post("/studies", ONE_SPACE, 201)
    await observed(narrow, 150)
    seen: list[Any] = []
    predict = narrow.worker.predict

    async def watched(model: str, request: ProposalRequest, graphs: Any) -> Any:
        seen.append(request)
        return await predict(model, request, graphs)

    monkeypatch.setattr(narrow.worker, "predict", watched)
    await narrow.get("/decode", study="demo", random=2)
    assert 2 <= len(seen[0].observations) <= LIMIT
