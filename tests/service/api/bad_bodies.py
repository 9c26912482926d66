"""Bodies that are refused, by what is wrong with them: path, body, status, code, pointer, and a word of the remedy.

`TRIAL` in a body stands for the id of a running trial. `test_problems.py` sends them.
"""

import json
from typing import Any

from tests.service.api.harness import ONE_SPACE

CELL = {"space": "nasbench101", "nodes": ["input", "conv3x3", "maxpool3x3", "output"], "edges": [[0, 1], [1, 2], [2, 3]]}


def encode_body(**changes: Any) -> str:
    return json.dumps({"space": "nasbench101", "architectures": [CELL, CELL | changes]})


def trial_body(**changes: Any) -> str:
    return json.dumps({"trial": "TRIAL", "attempt": 1, "value": 0.5} | changes)


def progress_body(**changes: Any) -> str:
    entry = {"trial": "TRIAL", "attempt": 1, "step": 1, "value": 0.5}
    return json.dumps({"worker": "holder", "progress": [entry, entry | changes]})


def study_body(**changes: Any) -> str:
    return json.dumps(ONE_SPACE | {"name": "x"} | changes)


NODES = ["input", "conv3x3", "conv1x1", "output"]
BAD: dict[str, tuple[str, str, int, str, str, str]] = {
    "a cycle": (
        "/encode",
        encode_body(edges=[[0, 1], [1, 2], [2, 1], [2, 3]]),
        422,
        "invalid_architecture",
        "/architectures/1/edges",
        "cycle",
    ),
    "an unknown operation": (
        "/encode",
        encode_body(nodes=["input", "conv3x3", "conv9x9", "output"]),
        422,
        "invalid_architecture",
        "/architectures/1/nodes/2",
        "conv3x3",
    ),
    "too many edges": (
        "/encode",
        encode_body(
            nodes=["input", *["conv3x3"] * 5, "output"],
            edges=[[0, 1], [0, 2], [0, 3], [0, 4], [0, 5], [1, 6], [2, 6], [3, 6], [4, 6], [5, 6]],
        ),
        422,
        "invalid_architecture",
        "/architectures/1/edges",
        "at most 9 edges, got 10",
    ),
    "an unreachable node": (
        "/encode",
        encode_body(edges=[[0, 1], [1, 3], [2, 3]]),
        422,
        "invalid_architecture",
        "/architectures/1/nodes/2",
        "connect",
    ),
    "another space": (
        "/encode",
        encode_body(space="enas_macro"),
        422,
        "invalid_architecture",
        "/architectures/1/space",
        "nasbench101",
    ),
    "a negative node": (
        "/encode",
        encode_body(edges=[[-1, 1]]),
        422,
        "invalid_request",
        "/architectures/1/edges/0/0",
        "greater than",
    ),
    "a huge node": ("/encode", encode_body(edges=[[10**50, 1]]), 422, "invalid_request", "/architectures/1/edges/0/0", "38 digits"),
    "an edge of three": (
        "/encode",
        encode_body(edges=[[0, 1, 2]]),
        422,
        "invalid_request",
        "/architectures/1/edges/0",
        "at most 2",
    ),
    "no architectures": (
        "/encode",
        '{"space": "nasbench101", "architectures": []}',
        422,
        "invalid_request",
        "/architectures",
        "at least 1",
    ),
    "no space": ("/encode", json.dumps({"architectures": [CELL]}), 422, "invalid_request", "/space", "exactly one of"),
    "an unknown space": (
        "/encode",
        json.dumps({"space": "nowhere", "architectures": [CELL]}),
        404,
        "space_not_found",
        "",
        "GET /spaces",
    ),
    "an unknown model": (
        "/encode",
        json.dumps({"model": "nothing", "architectures": [CELL]}),
        404,
        "model_not_found",
        "",
        "GET /models",
    ),
    "a short latent": (
        "/decode",
        '{"study": "demo", "latents": [[0, 0, 0, 0], [1, 2]]}',
        422,
        "invalid_request",
        "/latents/1",
        "expected 4 numbers",
    ),
    "NaN in a latent": (
        "/decode",
        '{"study": "demo", "latents": [[0, 0, NaN, 0]]}',
        422,
        "invalid_request",
        "/latents/0/2",
        "finite",
    ),
    "an infinite latent": (
        "/decode",
        '{"study": "demo", "latents": [[0, 0, 0, -Infinity]]}',
        422,
        "invalid_request",
        "/latents/0/3",
        "finite",
    ),
    "too many samples": (
        "/decode",
        '{"study": "demo", "latents": [[0, 0, 0, 0]], "samples": 20001}',
        422,
        "invalid_request",
        "/samples",
        "20000 decodings",
    ),
    "an unknown study": ("/suggest", '{"study": "nowhere", "worker": "w"}', 404, "study_not_found", "", "POST /studies"),
    "no worker": ("/suggest", '{"study": "demo"}', 422, "invalid_request", "/worker", "add it"),
    "a typo": ("/suggest", '{"study": "demo", "worker": "w", "cuont": 2}', 422, "invalid_request", "/cuont", "spelling"),
    "no trials wanted": (
        "/suggest",
        '{"study": "demo", "worker": "w", "count": 0}',
        422,
        "invalid_request",
        "/count",
        "greater than",
    ),
    "too many trials": (
        "/suggest",
        '{"study": "demo", "worker": "w", "count": 257}',
        422,
        "invalid_request",
        "/count",
        "at most 256",
    ),
    "an endless wait": (
        "/suggest",
        '{"study": "demo", "worker": "w", "wait": 1e9}',
        422,
        "invalid_request",
        "/wait",
        "at most 120",
    ),
    "a control character": ("/suggest", '{"study": "demo", "worker": "a\\u0000b"}', 422, "invalid_request", "/worker", "pattern"),
    "half a character": ("/suggest", '{"study": "demo", "worker": "\\ud800"}', 422, "invalid_request", "/worker", "correct"),
    "half a character in a label": (
        "/encode",
        encode_body(nodes=["input", "\ud800", "output"]),
        422,
        "invalid_request",
        "/architectures/1/nodes/1",
        "",
    ),
    "value NaN": ("/observe", trial_body(value=float("nan")), 422, "invalid_request", "/value", "finite"),
    "value Infinity": ("/observe", trial_body(value=float("inf")), 422, "invalid_request", "/value", "finite"),
    "a value beyond all floats": (
        "/observe",
        '{"trial": "TRIAL", "attempt": 1, "value": 1e999}',
        422,
        "invalid_request",
        "/value",
        "finite",
    ),
    "a huge integer": ("/observe", trial_body(value=10**400), 422, "invalid_request", "/value", "38 digits"),
    "an integer no parser takes": ("/observe", '{"value": ' + "1" * 5000 + "}", 400, "malformed_json", "", "JSON"),
    "a value as text": ("/observe", trial_body(value="0.5"), 422, "invalid_request", "/value", "number"),
    "a value that is true": ("/observe", trial_body(value=True), 422, "invalid_request", "/value", "number"),
    "NaN in metrics": ("/observe", trial_body(metrics={"loss": float("nan")}), 422, "invalid_request", "/metrics/loss", "finite"),
    "a negative std": ("/observe", trial_body(std=-1.0), 422, "invalid_request", "/std", "greater than"),
    "an unknown trial": ("/observe", trial_body(trial="unheard-of"), 404, "trial_not_found", "/trial", "suggest"),
    "an unknown status": ("/observe", trial_body(status="done"), 422, "invalid_request", "/status", "'completed'"),
    "NaN in a list": (
        "/observe",
        f"[{trial_body()}, {trial_body(value=float('nan'))}]",
        422,
        "invalid_request",
        "/1/value",
        "finite",
    ),
    "an empty list": ("/observe", "[]", 422, "invalid_request", "", "at least 1"),
    "a number for a body": ("/observe", "3", 422, "invalid_request", "", "object"),
    "a step of no observation": ("/observe", trial_body(step=0), 422, "invalid_request", "/step", "greater than"),
    "a training that diverged": (
        "/heartbeat",
        progress_body(value=float("nan")),
        422,
        "invalid_request",
        "/progress/1/value",
        "status 'failed'",
    ),
    "step zero": ("/heartbeat", progress_body(step=0), 422, "invalid_request", "/progress/1/step", "greater than"),
    "half a step": ("/heartbeat", progress_body(step=1.5), 422, "invalid_request", "/progress/1/step", "integer"),
    "a step beyond the column": ("/heartbeat", progress_body(step=2**31), 422, "invalid_request", "/progress/1/step", "less than"),
    "too much progress": (
        "/heartbeat",
        json.dumps({"worker": "w", "progress": [{"trial": "TRIAL", "attempt": 1, "step": 1, "value": 0.5}] * 5001}),
        422,
        "invalid_request",
        "/progress",
        "at most 5000",
    ),
    "a heartbeat of nothing": ("/heartbeat", '{"worker": "w"}', 422, "invalid_request", "", "got neither"),
    "a rule that is not there": (
        "/studies",
        study_body(stopping={"rule": "hope"}),
        422,
        "invalid_request",
        "/stopping/rule",
        "'median' or 'asha'",
    ),
    "a parameter of the other rule": (
        "/studies",
        study_body(stopping={"rule": "asha", "min_trials": 5}),
        422,
        "invalid_request",
        "/stopping",
        "has no 'min_trials'",
    ),
    "a factor that reduces nothing": (
        "/studies",
        study_body(stopping={"rule": "asha", "reduction_factor": 1}),
        422,
        "invalid_request",
        "/stopping/reduction_factor",
        "greater than",
    ),
    "an end before the start": (
        "/studies",
        study_body(stopping={"rule": "median", "min_step": 9, "max_step": 9}),
        422,
        "invalid_request",
        "/stopping",
        "above the min_step of 9",
    ),
    "a bad foreign architecture": (
        "/observe",
        json.dumps({"study": "cells", "architecture": {"nodes": NODES, "edges": [[0, 1], [1, 3]]}, "value": 0.5}),
        422,
        "invalid_architecture",
        "/architecture/nodes/2",
        "connect",
    ),
    "a foreign result for no study": (
        "/observe",
        json.dumps({"study": "nowhere", "architecture": CELL, "value": 0.5}),
        404,
        "study_not_found",
        "",
        "GET /studies",
    ),
    "malformed JSON": ("/observe", '{"trial": ', 400, "malformed_json", "", "character"),
    "no UTF-8": ("/observe", '{"trial": "\udcff"}', 400, "malformed_json", "", "UTF-8"),
    "deeply nested JSON": ("/observe", "[" * 100_000, 400, "malformed_json", "", "JSON"),
    "an empty body": ("/observe", "", 422, "invalid_request", "", "Content-Type"),
    "a study that exists": ("/studies", json.dumps(ONE_SPACE), 409, "study_exists", "", "another name"),
    "a bad name": ("/studies", json.dumps(ONE_SPACE | {"name": "../etc"}), 422, "invalid_request", "/name", "pattern"),
    "a study of no space": (
        "/studies",
        json.dumps(ONE_SPACE | {"name": "x", "space": "nowhere"}),
        404,
        "space_not_found",
        "",
        "GET /spaces",
    ),
    "a model of another space": (
        "/studies",
        json.dumps(ONE_SPACE | {"name": "x", "model": "cells"}),
        422,
        "invalid_request",
        "/model",
        "nasbench201",
    ),
    "a huge seed": ("/studies", json.dumps(ONE_SPACE | {"name": "x", "seed": 2**63}), 422, "invalid_request", "/seed", "less than"),
    "an objective": (
        "/studies",
        json.dumps(ONE_SPACE | {"name": "x", "objective": "best"}),
        422,
        "invalid_request",
        "/objective",
        "'maximize'",
    ),
}
