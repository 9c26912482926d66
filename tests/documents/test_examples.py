"""Every block of the documents is checked: what is typed into a shell, what goes over the wire, what is written into files."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import ValidationError
from typer.exceptions import TyperException

from models.spaces.registry import open_space
from service.settings import Settings
from tests.documents.blocks import ROOT, Shown, blocks, in_sentences
from tests.documents.programs import PROGRAMS, check_command, commands_of
from tests.documents.wire import OUTSIDE, VERBS, Example, check, examples, openapi

LAYERS = "the layers, which import-linter checks"
EQUATIONS = "equations of the paper"
NEITHER = {
    "service.cli > service.commands": LAYERS,
    "m_v = ": EQUATIONS,
    "μ, log": EQUATIONS,
    "type of": EQUATIONS,
    "L = ": EQUATIONS,
}
"""Blocks that nobody types, by their beginning, and what they are."""

OF_OTHERS = {
    "SVGE_URL": "the client's",
    "SVGE_TOKEN": "the client's",
    "SVGE_TEST_DATA": "the tests'",
}
"""Environment variables that are no settings of the service."""

WITHIN: dict[str, tuple[tuple[str, str], dict[str, Any]]] = {
    "count": (("POST", "/trials/x/replicate"), {}),
    "limits": (("POST", "/studies"), {"name": "demo", "space": "nasbench101"}),
    "rule": (("POST", "/studies"), {"name": "demo", "space": "nasbench101"}),
}
"""Where JSON that a sentence names goes, by its first field: the request, and what else is in its body."""

FOLDERS = "benchmarks|client|docker|docs|examples|kubernetes|migrations|models|service|svge_client|tests"
FILE = re.compile(rf"({FOLDERS})/[\w./]*")
NAME = re.compile(r"(benchmarks|models|service|svge_client)(\.[a-z]\w+)+([.:]\w+)?")

REQUEST = re.compile(rf"({'|'.join(VERBS)}) (/\S*)")


@pytest.fixture(autouse=True)
def _in_a_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def is_wire(block: Shown) -> bool:
    return REQUEST.match(block.text) is not None or block.text.startswith(tuple(f"{verb} " for verb in VERBS))


@pytest.mark.parametrize("block", blocks(""), ids=str)
def test_what_is_typed_and_what_goes_over_the_wire_is_understood(block: Shown) -> None:
    if block.text.startswith(tuple(NEITHER)):
        return
    if is_wire(block):
        for example in examples(block.text):
            check(example)
        return
    lines = [line for line in block.text.splitlines() if line.strip()]
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith("{"):
            continue  # the answer to the line before
        for command in commands_of(line):
            check_command(command, after if after.startswith("{") else None)


def test_blocks_are_in_languages_that_are_checked() -> None:
    assert {block.language for block in blocks()} == {"", "python", "yaml"}
    assert all(any(block.text.startswith(start) for block in blocks("")) for start in NEITHER)


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_a_space_that_is_shown_is_the_example(block: Shown) -> None:
    file = ROOT / "examples" / "spaces" / "ten_nodes.yaml"
    assert yaml.safe_load(block.text) == yaml.safe_load(file.read_text(encoding="utf-8"))
    assert open_space(str(file)).name == "ten_nodes"


def test_requests_within_sentences_are_the_service_s() -> None:
    requests = [(one, match) for one in in_sentences() if (match := REQUEST.fullmatch(one.text))]
    assert len(requests) > 30
    wrong = []
    for one, (method, target) in ((one, match.groups()) for one, match in requests):
        try:
            check(Example(method, target))
        except AssertionError as error:
            wrong.append(f"{one}: {error}")
    assert wrong == []


def test_paths_within_sentences_are_the_service_s() -> None:
    known = [*openapi()["paths"], *OUTSIDE]
    paths = [one for one in in_sentences() if re.fullmatch(r"/[a-z][a-z.-]*/?", one.text)]
    assert len(paths) > 15
    assert [str(one) for one in paths if not any(path.endswith(one.text) for path in known)] == []


def test_commands_within_sentences_are_there() -> None:
    commands = [one for one in in_sentences() if one.text.split()[0].removeprefix(".venv/bin/") in PROGRAMS and " " in one.text]
    assert len(commands) > 80
    wrong = []
    for one in commands:
        try:
            for command in commands_of(one.text.replace("…", "")):
                check_command(command, is_whole=False)
        except (AssertionError, OSError, StopIteration) as error:
            wrong.append(f"{one}: {error!r}")
    assert wrong == []


def test_variables_are_settings() -> None:
    known = {f"SVGE_{name.upper()}" for name in Settings.model_fields} | set(OF_OTHERS)
    named = {(str(one), name) for one in [*blocks(), *in_sentences()] for name in re.findall(r"\bSVGE_[A-Z_]+\b(?!…)", one.text)}
    assert len(named) > 30
    assert [(place, name) for place, name in sorted(named) if name not in known and name != "SVGE_"] == []


def test_json_within_sentences_is_of_a_request() -> None:
    told = [(one, value) for one in in_sentences() if (value := as_json(one.text)) is not None]
    assert len(told) >= 3
    for one, value in told:
        request, around = WITHIN[next(iter(value))]
        body = around | (value if one.text.startswith('"') or not around else {"stopping": value})
        check(Example(*request, body))


def as_json(text: str) -> dict[str, Any] | None:
    """An object, or one field of an object."""
    try:
        value = json.loads(text if text.startswith("{") else f"{{{text}}}")
    except ValueError:
        return None
    return value or None


def test_files_and_python_names_within_sentences_are_there() -> None:
    files = [one for one in in_sentences() if re.fullmatch(FILE, one.text) and "NAME" not in one.text]
    names = [(one, match[0]) for one in in_sentences() if (match := re.match(NAME, one.text))]
    assert (len(files) > 30, len(names) > 4) == (True, True)
    assert [
        f"{one}: {one.text}" for one in files if not (ROOT / one.text).exists() and not (ROOT / "client" / one.text).exists()
    ] == []
    assert [f"{one}: {name}" for one, name in names if not is_there(name)] == []


def is_there(name: str) -> bool:
    """A module, or what is written in one."""
    parts = name.replace(":", ".").split(".")
    for length in range(len(parts), 0, -1):
        path = Path(*parts[:length])
        for root in (ROOT, ROOT / "client"):
            if (root / path).is_dir() and length == len(parts):
                return True
            if (root / path).with_suffix(".py").is_file():
                source = (root / path).with_suffix(".py").read_text(encoding="utf-8")
                return all(re.search(rf"\b{part}\b", source) for part in parts[length:])
    return False


@pytest.mark.parametrize(
    "line",
    [
        "svge study make demo",
        "svge study create demo --space nasbench101 --max-trial 40",
        "svge study create demo",
        "echo {} | svge study enqueue",
        "SVGE_PORT=1 .venv/bin/svge serves",
        "export A=$(docker compose run --rm api keys create prometheus --scope reader)",
        "docker run --rm -v svge:/data svge-search keys make me",
        "docker build -f docker/Dockerfile --target nothing .",
        "kubectl apply --kustomize kubernetes/nothing",
        ".venv/bin/python examples/train_digits.py --trainer 3",
        "python -m benchmarks.nothing",
        "make everything",
        "pip install './client[numpy]'",
        "unheard-of --option",
        "curl -s localhost:8000/studie",
        "curl 'localhost:8000/decode?study=demo&sample=4'",
        "curl -H 'Accept: image/png' 'localhost:8000/decode?study=demo'",
        """curl localhost:8000/suggest -d '{"study": "mine", "count": 2}'""",
    ],
)
def test_a_command_that_is_wrong_is_noticed(line: str) -> None:
    commands = list(commands_of(line))
    with pytest.raises((AssertionError, ValidationError, OSError, TyperException)):
        list(map(check_command, commands))


@pytest.mark.parametrize(
    "text",
    [
        'POST /suggest   {"study": "demo", "workers": "gpu-7"}',
        'POST /observe   {"trial": "<id>", "attempt": 1, "value": 0.9, "status": "done"}',
        'POST /suggest   {"study": "demo", "worker": "w"}       → {"trial": [{"id": …, "attempt": 1}, …]}',
        'POST /suggest   {"study": "demo", "worker": "w"}       → {"trials": [{"name": …}]}',
        "GET  /studies/demo/best?limit=3",
        "GET  /trials/<id>/steps",
    ],
)
def test_a_request_that_is_wrong_is_noticed(text: str) -> None:
    (example,) = examples(text)
    with pytest.raises((AssertionError, ValidationError)):
        check(example)
