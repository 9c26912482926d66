"""A Ray cluster of this machine for benchmarks and tests: a head and a worker node on loopback addresses, which can be killed.

Every process of a node carries a mark in its environment, so that exactly those are ended.
"""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
_MARK = "SVGE_LOCAL_RAY_NODE"
_RUNNING = "both nodes run"
_START_SECONDS = 60.0
_OBJECT_STORE_BYTES = 100_000_000
_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_enable_metrics_collection": "0",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # the switch that keeps Ray on the loopback address
    "GRPC_ENABLE_FORK_SUPPORT": "0",  # else the process that the head forks for a client may die before it runs
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.5",
    "PYTHONPATH": str(ROOT),
    "PYTHONWARNINGS": "ignore",
}


class Node:
    """The processes that carry one mark, and their children: Ray's agents write their titles over it."""

    def __init__(self) -> None:
        self.mark = secrets.token_hex(8)

    def processes(self) -> dict[int, str]:
        """Their command lines by process id."""
        marked, commands, parents = set(), {}, {}
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                pid = int(folder.name)
                parents[pid] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                commands[pid] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if f"{_MARK}={self.mark}".encode() in (folder / "environ").read_bytes():
                    marked.add(pid)
        return {pid: command for pid, command in commands.items() if pid in marked or parents[pid] in marked}

    def kill(self, name: str = "") -> list[int]:
        """End those whose command line holds `name` as SIGKILL does, and answer which there were."""
        found = [pid for pid, command in self.processes().items() if name in command]
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return found


class Cluster:
    """A head without CPUs of its own, so that all replicas are on the worker node. Both can be killed and started again."""

    def __init__(self, folder: Path, cpus: int) -> None:
        self._folder, self._cpus = folder, cpus
        self._gcs_port, self._client_port = _free_ports(2)
        self.start()

    @property
    def address(self) -> str:
        """Where the API processes connect to."""
        return f"ray://127.0.0.1:{self._client_port}"

    def start(self) -> None:
        """Start both nodes. Raises `RuntimeError` with the log when they do not come up."""
        self.head, self.worker = Node(), Node()
        temporary = tempfile.mkdtemp(dir=self._folder)
        options = [self._gcs_port, self._client_port, self._cpus, self.head.mark, self.worker.mark]
        log = Path(temporary) / "nodes.log"
        with log.open("w") as output:
            self._keeper = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.ray_cluster", *map(str, options)],
                env={**os.environ, **_ENVIRONMENT, "RAY_TMPDIR": temporary},
                cwd=ROOT,
                stdout=output,
                stderr=output,
            )
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._keeper.poll() is None:
            if _RUNNING in log.read_text():
                return
            time.sleep(0.1)
        self.kill()
        raise RuntimeError(f"the Ray cluster did not start: {log.read_text()[-3000:]}")

    def kill(self) -> None:
        """End all of it as SIGKILL does."""
        self._keeper.kill()
        self._keeper.wait()
        while self.worker.kill() + self.head.kill():
            time.sleep(0.02)


@contextmanager
def cluster(cpus: int) -> Iterator[Cluster]:
    """A cluster whose worker node has so many CPUs, by name: replicas count on them, the machine may have fewer."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="svge"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        started = Cluster(folder, cpus)
        stack.callback(started.kill)
        yield started


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [listener.getsockname()[1] for listener in listeners]


def _keep_nodes(gcs_port: str, client_port: str, cpus: str, head_mark: str, worker_mark: str) -> None:
    """Start both nodes and stay, as they end with the process that started them."""
    import ray
    from ray.cluster_utils import Cluster as Nodes

    common = {"object_store_memory": _OBJECT_STORE_BYTES, "node_ip_address": "127.0.0.1", "include_log_monitor": False}
    ports = {"gcs_server_port": int(gcs_port), "ray_client_server_port": int(client_port)}
    (Path(os.environ["RAY_TMPDIR"]) / "ray").mkdir()
    os.environ[_MARK] = head_mark
    head = {"num_cpus": 0, "include_dashboard": False, "no_monitor": True, "dashboard_agent_listen_port": 0, **ports, **common}
    nodes = Nodes(initialize_head=True, head_node_args=head)
    os.environ[_MARK] = worker_mark
    nodes.add_node(wait=False, num_cpus=int(cpus), dashboard_agent_listen_port=0, **common)
    print(_RUNNING, ray.__version__, nodes.address, flush=True)
    signal.pause()


if __name__ == "__main__":
    _keep_nodes(*sys.argv[1:])
