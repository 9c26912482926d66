import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from models.architectures.architecture import Architecture
from models.search.proposal import ProposalRequest
from service.workers.local import Host, LocalWorker
from service.workers.worker import WorkerUnavailable
from tests.service.workers.hosts import FAIL, KILL, SLEEP, PlainHost, UnopenableHost

PATH = Architecture("any", ("input", "a", "output"), ((0, 1), (1, 2)))
FAULTY = Architecture("any", ("input", "faulty", "output"), ((0, 1), (1, 2)))
REQUEST = ProposalRequest("maximize", count=1, seed=0)
PATIENCE = 60.0


def use(
    scenario: Callable[[LocalWorker], Awaitable[None]], open_host: Callable[[], Host] = PlainHost, fits_per_process: int = 500
) -> None:
    async def run() -> None:
        worker = LocalWorker(open_host, fits_per_process)
        try:
            await asyncio.wait_for(scenario(worker), PATIENCE)
        finally:
            await worker.close()

    asyncio.run(run())


async def process_id(worker: LocalWorker) -> int:
    return int((await worker.encode("any", [PATH]))[0].mean[0])


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    while not await condition():
        await asyncio.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # gone, or going while it is read
        return False


def ends(pid: int) -> bool:
    """Whether the process is gone within the test's patience."""
    deadline = time.monotonic() + PATIENCE
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_running(pid)


def test_all_four_computations_happen_in_another_process() -> None:
    async def scenario(worker: LocalWorker) -> None:
        pid = await process_id(worker)
        assert pid != os.getpid()
        assert (await worker.propose("any", REQUEST)).reason == str(pid)
        assert [prediction.mean for prediction in await worker.predict("any", REQUEST, [PATH, PATH])] == [pid, pid]
        decoded = await worker.decode("any", [[0.5], [1.5]], samples=3, mode="sampled", seed=7)
        assert [[(one.canonical_id, one.round_trip_distance) for one in point] for point in decoded] == [[("7", 0.5)], [("7", 1.5)]]

    use(scenario)


def test_concurrent_encodes_share_a_batch_and_each_gets_its_own_answers() -> None:
    async def scenario(worker: LocalWorker) -> None:
        answers = await asyncio.gather(*(worker.encode("any", [PATH] * count) for count in (1, 2, 0, 3)))
        assert [len(answer) for answer in answers] == [1, 2, 0, 3]
        assert {encoding.mean[1] for answer in answers for encoding in answer} == {6.0}

    use(scenario)


def test_an_error_inside_reaches_its_caller_and_nobody_else() -> None:
    async def scenario(worker: LocalWorker) -> None:
        good, bad = await asyncio.gather(worker.encode("any", [PATH]), worker.encode("any", [FAULTY]), return_exceptions=True)
        assert isinstance(good, list)
        assert isinstance(bad, ValueError)
        with pytest.raises(ValueError, match="faulty"):
            await worker.encode(FAIL, [PATH])

    use(scenario)


def test_a_process_that_dies_during_a_call_is_replaced() -> None:
    async def scenario(worker: LocalWorker) -> None:
        before = await process_id(worker)
        with pytest.raises(WorkerUnavailable, match="propose"):
            await worker.propose(KILL, REQUEST)
        assert await process_id(worker) != before
        await until(worker.ready)

    use(scenario)


def test_a_process_killed_while_idle_is_replaced_without_an_error() -> None:
    async def scenario(worker: LocalWorker) -> None:
        before = await process_id(worker)
        os.kill(before, signal.SIGKILL)

        async def noticed() -> bool:
            return not await worker.ready()

        await until(noticed)
        assert await process_id(worker) != before

    use(scenario)


def test_it_becomes_ready_by_itself() -> None:
    async def scenario(worker: LocalWorker) -> None:
        await until(worker.ready)

    use(scenario)


def test_a_host_that_cannot_open_is_unavailable_and_says_why() -> None:
    async def scenario(worker: LocalWorker) -> None:
        with pytest.raises(WorkerUnavailable, match="no such device"):
            await worker.encode("any", [PATH])
        assert not await worker.ready()

    use(scenario, UnopenableHost)


def test_the_process_is_renewed_after_its_share_of_fits() -> None:
    async def scenario(worker: LocalWorker) -> None:
        pids = set()

        async def renewed() -> bool:
            pids.add((await worker.propose("any", REQUEST)).reason)
            return len(pids) == 3

        await until(renewed)

    use(scenario, fits_per_process=2)


def test_closing_ends_the_process_and_the_calls_in_flight() -> None:
    async def scenario(worker: LocalWorker) -> None:
        pid = await process_id(worker)
        running = asyncio.create_task(worker.propose(SLEEP, REQUEST))
        await asyncio.sleep(0.1)
        await worker.close()
        with pytest.raises(WorkerUnavailable):
            await running
        assert ends(pid)
        assert not await worker.ready()
        with pytest.raises(WorkerUnavailable, match="closed"):
            await worker.propose("any", REQUEST)

    use(scenario)


PARENT = """
import asyncio
from tests.service.workers.hosts import PlainHost
from tests.service.workers.test_local import process_id
from service.workers.local import LocalWorker

async def main():
    worker = LocalWorker(PlainHost)
    print(await process_id(worker), flush=True)
    await asyncio.sleep(60)

if __name__ == "__main__":
    asyncio.run(main())
"""


def test_the_process_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        os.kill(child, signal.SIGINT)
        assert is_running(child)
        parent.kill()
    assert ends(child)


def test_an_abandoned_computation_does_not_keep_the_process_from_others() -> None:
    async def scenario(worker: LocalWorker) -> None:
        pid = await process_id(worker)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(worker.propose(SLEEP, REQUEST), 0.2)
        assert await process_id(worker) != pid
        assert ends(pid)

    use(scenario)


def test_an_abandoned_decode_does_not_keep_the_process_from_others() -> None:
    async def scenario(worker: LocalWorker) -> None:
        pid = await process_id(worker)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(worker.decode(SLEEP, [[0.0]], 1, "greedy", 0), 0.2)
        assert await process_id(worker) != pid
        await until(worker.ready)

    use(scenario)


def test_a_process_that_is_stopped_does_not_count_as_ready_and_is_replaced_when_it_keeps_a_call() -> None:
    async def scenario(worker: LocalWorker) -> None:
        pid = await process_id(worker)
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(worker.ready(), 0.2)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(worker.propose("any", REQUEST), 0.2)
        assert await process_id(worker) != pid
        assert ends(pid)
        await until(worker.ready)

    use(scenario)


def test_a_busy_process_is_ready() -> None:
    async def scenario(worker: LocalWorker) -> None:
        await process_id(worker)
        running = asyncio.create_task(worker.propose(SLEEP, REQUEST))
        await asyncio.sleep(0.1)
        assert await worker.ready()
        running.cancel()

    use(scenario)


def test_the_parent_does_not_load_torch() -> None:
    code = "import sys, service.workers.local; raise SystemExit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
