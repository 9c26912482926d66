"""Studies that are written straight into a database are such as the service makes, and each call to them is measured."""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from benchmarks.large_study import architecture
from benchmarks.service_throughput import Case
from benchmarks.service_throughput import table as throughput_table
from benchmarks.study_size import (
    STUDY,
    TRADE_OFFS,
    Side,
    export,
    measure_everyday,
    measure_fresh,
    measure_ready,
    parse,
    prepare,
    table,
)
from models.architectures.canonical import canonical_id
from models.pretrained.catalogue import FOLDER
from models.search.proposal import ProposalBatch, ProposalRequest
from models.spaces.registry import get_space
from service.app import create_app
from service.settings import Settings
from service.storage import counts, fronts, studies
from service.storage.session import Database
from service.storage.values import TrialState
from tests.client.live import listening
from tests.fakes import FakeWorker


class SlowWorker(FakeWorker):
    async def propose(self, model: str, request: ProposalRequest, study: int = 0) -> ProposalBatch:
        await asyncio.sleep(0.5)
        return await super().propose(model, request)


@pytest.fixture
def sides(tmp_path: Path) -> Iterator[list[Side]]:
    """The application on databases with studies of 100 and of 300 trials."""
    with ExitStack() as stack:
        made = []
        for size in (100, 300):
            url = f"sqlite:///{tmp_path}/{size}.db"
            prepare(url, size)
            app = create_app(Settings(database_url=url, sweep_seconds=3600.0), SlowWorker(FOLDER))
            http = stack.enter_context(httpx.Client(base_url=stack.enter_context(listening(app)), timeout=60))
            server: Any = SimpleNamespace(process=SimpleNamespace(pid=os.getpid()))
            made.append(Side(size, size, server, http))
        yield made


def test_architectures_of_different_numbers_are_different_and_of_the_space() -> None:
    graphs = [architecture(index) for index in [*range(1500), *range(10**6, 10**6 + 500)]]
    assert len({canonical_id(graph) for graph in graphs}) == 2000
    for graph in graphs[::100]:
        get_space("enas_macro").validate(graph)


def test_a_prepared_database_holds_what_trainers_would_have_made(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/filled.db"
    prepare(url, 300)
    prepare(url, 300)
    database = Database(url)
    study, trade_offs = (database.read_here(lambda session, name=name: studies.find(session, name)) for name in (STUDY, TRADE_OFFS))
    assert study is not None
    assert trade_offs is not None
    found = database.read_here(lambda session: counts.of_studies(session, [study.id]))[study.id]
    assert found == Counter({TrialState.COMPLETED: 291, TrialState.FAILED: 3, TrialState.INFEASIBLE: 3, TrialState.STOPPED: 3})
    assert database.read_here(lambda session: fronts.accounted(session, trade_offs.id)) == 291
    assert database.read_here(lambda session: fronts.best(session, trade_offs.id, 9))[1] > 1
    database.close()


def test_every_call_is_measured_on_both_sides(sides: list[Side]) -> None:
    measure_everyday(sides, 2)
    measure_ready(sides, 4)
    measure_fresh(sides, 1)
    for side in sides:
        assert {name: len(taken) for name, taken in side.timings.items() if name} == {
            **dict.fromkeys(list(side.timings)[:13], 2),
            "suggest, ready proposals": 3,
            "suggest, fresh proposal": 1,
        }
        assert sum(side.http.get(f"/studies/{STUDY}").json()["trials"].values()) > side.size
        assert export(side, "jsonl").startswith(f"| jsonl | {side.size} |")
    lines = table(sides).splitlines()
    assert len(lines) == 2 + 15
    assert lines[0] == "| call | 100 trials: p50, p99 | 300 trials: p50, p99 | ratio of p50, p99 |"


def test_ratios_are_those_of_the_last_side_to_the_first(sides: list[Side]) -> None:
    sides[0].timings["x"], sides[1].timings["x"] = [0.001, 0.002, 0.003], [0.003, 0.003, 0.003]
    assert table(sides).splitlines()[2] == "| x | 2.0 ms, 3.0 ms | 3.0 ms, 3.0 ms | 1.50, 1.01 |"


def test_throughput_is_the_median_over_rounds() -> None:
    case = Case(2, 16, [30.0, 10.0, 20.0], {"/suggest": [0.1, 0.3], "/observe": [0.05]})
    assert throughput_table([case]).splitlines()[-1] == "| 2 | 16 | 20 (10 to 30) | 200 ms, 298 ms | 50 ms, 50 ms |"


def test_sizes_are_a_thousand_and_a_million() -> None:
    assert list(parse([]).sizes) == [1000, 1_000_000]
