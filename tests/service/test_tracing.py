"""Traces reach an OpenTelemetry collector."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

ROOT = Path(__file__).parents[2]

SERVED = """
import sys
from pathlib import Path
from fastapi.testclient import TestClient
from service.app import create_app
from service.settings import Settings
from tests.fakes import FakeWorker, write_model

folder = Path(sys.argv[1])
write_model(folder, "lines", "nasbench201")
settings = Settings(database_url=f"sqlite:///{folder}/test.db", models_folder=folder)
with TestClient(create_app(settings, FakeWorker(folder)), base_url="http://127.0.0.1") as client:
    client.post("/studies", json={"name": "demo", "space": "nasbench201", "objective": "maximize"}).raise_for_status()
    client.post("/suggest", json={"study": "demo", "worker": "gpu-7"}).raise_for_status()
    client.get("/readyz").raise_for_status()
"""


@contextmanager
def collector() -> Iterator[tuple[str, list[str]]]:
    """The address of a collector, and the names of the spans that it is sent."""
    names: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/v1/traces":
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    names.extend(span.name for scope in resource.scope_spans for span in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Not a word: this is a test."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", names
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def serve(folder: Path, **environment: str) -> None:
    subprocess.run([sys.executable, "-c", SERVED, str(folder)], cwd=ROOT, env=os.environ | environment, check=True)


def test_a_collector_is_told_of_requests_and_of_calls_of_the_model_but_not_of_probes(tmp_path: Path) -> None:
    with collector() as (url, names):
        serve(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=url)
    assert {"POST /studies", "POST /suggest", "model worker"} <= set(names)
    assert not any("readyz" in name for name in names)
