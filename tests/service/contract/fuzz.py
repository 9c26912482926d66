"""Schemathesis over the whole OpenAPI document: no 5xx, and no answer outside its schema.

    python -m tests.service.contract.fuzz --examples 400

A service starts on an empty database. Requests are generated from its document, right and wrong ones; half of those that name a
study, a trial or an architecture are led to some that exist, so that they get further than to a 404. Prints how many there were,
and ends with 1 where one was answered wrongly.
"""

import argparse
import contextlib
import json
import sys
import tempfile
import zlib
from pathlib import Path
from typing import Any

import httpx
import schemathesis
from schemathesis.cli import schemathesis as command

from tests.service.api.bad_bodies import CELL
from tests.service.contract.deployments import servers, write_models

PHASES = ("examples", "coverage", "fuzzing", "stateful")
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
)
_STUDY, _TRIALS = "demo", 30


def prepare(url: str) -> list[str]:
    """Make a study; answers the ids of its trials."""
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        client.post("/studies", json={"name": _STUDY, "space": "nasbench101"}).raise_for_status()
        suggested = client.post("/suggest", json={"study": _STUDY, "worker": "first", "count": _TRIALS}).raise_for_status()
        return [trial["id"] for trial in suggested.json()["trials"]]


@schemathesis.serializer("application/jsonl", "application/x-ndjson")
def json_lines(context: Any, value: Any) -> bytes:
    """Generated texts as they are, all else as one line of JSON."""
    return value if isinstance(value, bytes) else value.encode() if isinstance(value, str) else json.dumps(value).encode()


def lead_to(trials: list[str]) -> None:
    """Let half of the generated requests name what exists."""

    def half(value: Any) -> bool:
        return zlib.crc32(repr(value).encode()) % 2 == 0

    def some_trial(value: Any) -> str:
        return trials[zlib.crc32(repr(value).encode()) % len(trials)]

    def existing(value: Any) -> Any:
        if not isinstance(value, dict):
            return [existing(item) for item in value] if isinstance(value, list) else value
        led = {key: existing(item) for key, item in value.items()}
        known = {"study": _STUDY, "space": "nasbench101", "trial": some_trial(value), "attempt": 1, "architecture": CELL}
        known |= {"architectures": [CELL], "latents": [[0.5, -0.25, 0.0, 1.0]], "trials": trials[:3], "nodes": CELL["nodes"]}
        return led | {key: item for key, item in known.items() if key in led} if half(value) else led

    @schemathesis.hook
    def map_body(context: Any, body: Any) -> Any:
        return existing(body)

    @schemathesis.hook
    def map_query(context: Any, query: Any) -> Any:
        return (query or {}) | {"study": _STUDY, "z": "0.5,-0.25,0,1"} if query and "study" in query and half(query) else query

    @schemathesis.hook
    def map_path_parameters(context: Any, parameters: Any) -> Any:
        if not parameters or not half(parameters) or context.operation.method.upper() == "DELETE":
            return parameters
        known = {"name": _STUDY, "trial": some_trial(parameters)}
        return {key: known.get(key, value) for key, value in parameters.items()}


def run(url: str, report: Path, phases: str, examples: int, seed: int) -> Any:
    """Schemathesis's own report. Its output goes where that of this process goes."""
    options = ["--phases", phases, "--checks", ",".join(CHECKS), "--max-examples", str(examples), "--seed", str(seed)]
    options += ["--continue-on-failure", "--suppress-health-check", "all", "--report-json-path", str(report)]
    with contextlib.suppress(SystemExit):
        command(["run", f"{url}/openapi.json", *options], standalone_mode=False)
    return json.loads(report.read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=400, help="most fuzzed requests of an operation (default: %(default)s)")
    parser.add_argument("--phases", default=",".join(PHASES), help="what is generated (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        models, uploads = write_models(place), place / "uploads"
        with servers(models, f"sqlite:///{place}/fuzz.db", 1, uploads_folder=str(uploads)) as (server,):
            lead_to(prepare(server.url))
            found = run(server.url, place / "fuzz.report", options.phases, options.examples, options.seed)
    generated, faults = found["test_cases"]["generated"], [*found["failures"], *found["errors"]]
    sys.stdout.write(f"{generated} requests, {len(faults)} answered wrongly\n")
    sys.exit(1 if faults or not found["complete"] or not generated else 0)


if __name__ == "__main__":
    main()
