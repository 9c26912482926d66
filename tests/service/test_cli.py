import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import torch
from typer.testing import CliRunner, Result

from models.architectures.canonical import canonical_id
from models.architectures.formats import from_json
from models.autoencoders.checkpoint import save_checkpoint
from models.networks.source.network_source import network_source
from models.spaces.registry import get_space, space_names
from models.svge.config import SVGeConfig
from models.svge.model import SVGe
from service.cli import app
from service.storage.tables import VERSION_TABLE
from tests.ray import needs_ray

ROOT = Path(__file__).parents[2]
CELL = '{"nodes": ["input", "conv3x3", "output"], "edges": [[0, 1], [1, 2]]}'
BROKEN = '{"nodes": ["input", "conv9x9", "output"], "edges": [[0, 1], [1, 2]]}'
Served = tuple[subprocess.Popen[str], str]
SMALL = SVGeConfig(node_size=8, message_size=8, hidden_size=8, latent_size=3)


@pytest.fixture(scope="module")
def models_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small untrained checkpoint."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    save_checkpoint(SVGe(SMALL, get_space("nasbench101").vocabulary), "nasbench101", folder / "tiny.safetensors", {})
    return folder


def svge(*arguments: object, text: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=text)


def lines(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize(
    "command",
    ["", "serve", "train", "encode", "decode", "models", "space", "space sample", "space draw", "db upgrade", "keys create"],
)
def test_every_command_explains_itself(command: str) -> None:
    result = svge(*command.split(), "--help")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) > 5


def test_every_space_is_listed_with_its_size() -> None:
    listed = svge("space", "list").stdout
    assert all(name in listed for name in space_names())
    assert "423,624" in listed


@pytest.mark.parametrize("name", space_names())
def test_samples_are_valid_distinct_by_seed_and_readable_in_both_forms(name: str) -> None:
    space = get_space(name)
    architectures = [from_json(value) for value in lines(svge("space", "sample", name, "--count", 3, "--seed", 1))]
    for architecture in architectures:
        space.validate(architecture)
    native = lines(svge("space", "sample", name, "--count", 3, "--seed", 1, "--native"))
    assert [space.parse_native(value) for value in native] == architectures
    assert [from_json(value) for value in lines(svge("space", "sample", name, "--count", 3, "--seed", 2))] != architectures


def test_one_architecture_is_drawn_to_standard_output_and_several_into_a_folder(tmp_path: Path) -> None:
    assert svge("space", "draw", "nasbench101", text=CELL).stdout.startswith("<svg")
    assert "digraph" in svge("space", "draw", "nasbench101", "--format", "dot", text=CELL).stdout
    assert "class Network(nn.Module):" in svge("space", "draw", "nasbench101", "--format", "python", text=CELL).stdout
    two = svge("space", "sample", "nasbench101", "--count", 2).stdout
    refused = svge("space", "draw", "nasbench101", text=two)
    assert refused.exit_code == 2
    assert "--folder" in refused.stderr
    assert svge("space", "draw", "nasbench101", "--folder", tmp_path / "drawings", text=two).exit_code == 0
    assert len(list((tmp_path / "drawings").glob("*.svg"))) == 2
    assert svge("space", "draw", "nasbench101", "--folder", tmp_path, "--format", "python", text=two).exit_code == 0
    assert len(list(tmp_path.glob("*.py"))) == 2


@pytest.mark.parametrize(
    ("arguments", "text", "message"),
    [
        (["space", "sample", "nasbench999"], None, "expected one of enas_macro, enas_micro, nasbench101"),
        (["space", "draw", "nasbench101"], CELL + "\n" + BROKEN, "line 2: unknown operation 'conv9x9'"),
        (["space", "draw", "nasbench101"], "{", "line 1 is no JSON value"),
        (["space", "draw", "nasbench101", "nowhere.jsonl"], None, "cannot read 'nowhere.jsonl'"),
        (["encode", "--model", "nothing"], CELL, "unknown model 'nothing'"),
        (["decode", "--model", "tiny"], None, "--z or --random"),
        (["decode", "--model", "tiny", "--z", "1,2"], None, "expected 3 finite numbers for the model 'tiny', got 2"),
        (["decode", "--model", "tiny", "--z", "1,2,nan"], None, "expected 3 finite numbers"),
        (["decode", "--model", "tiny", "--z", "1,2,x"], None, "numbers joined by commas"),
        (["decode", "--model", "tiny", "--random", "1", "--device", "abacus"], None, "expected the device"),
        (["train", "--space", "nasbench101", "--out", "model.pt"], None, ".safetensors"),
    ],
)
def test_refusals_say_what_to_do(
    arguments: list[str], text: str | None, message: str, models_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SVGE_MODELS_FOLDER", str(models_folder))
    result = svge(*arguments, text=text)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


def test_what_is_decoded_encodes_to_its_canonical_id(models_folder: Path, tmp_path: Path) -> None:
    options = ("--model", "tiny", "--models-folder", models_folder, "--device", "cpu")
    decoded = lines(svge("decode", *options, "--random", 2, "--z", "0.5,-0.5,1", "--samples", 5, "--seed", 1))
    assert decoded == lines(svge("decode", *options, "--random", 2, "--z", "0.5,-0.5,1", "--samples", 5, "--seed", 1))
    assert [point["latent"] for point in decoded][0] == [0.5, -0.5, 1.0]
    assert len(decoded) == 3
    found = [one for point in decoded for one in point["architectures"]]  # type: ignore[attr-defined]
    assert all(abs(sum(one["frequency"] for one in point["architectures"]) - 1) < 1e-9 for point in decoded)  # type: ignore[attr-defined]
    file = tmp_path / "found.jsonl"
    file.write_text("\n".join(json.dumps(one["architecture"]) for one in found))
    out = tmp_path / "latents.jsonl"
    assert lines(svge("encode", *options, file, "--out", out)) == []
    encoded = [json.loads(line) for line in out.read_text().splitlines()]
    assert [one["canonical_id"] for one in encoded] == [one["canonical_id"] for one in found]
    assert all(len(one["mean"]) == len(one["std"]) == 3 for one in encoded)
    assert encoded[0]["canonical_id"] == canonical_id(from_json(found[0]["architecture"]))


def test_what_is_decoded_is_drawn_and_written_too(models_folder: Path, tmp_path: Path) -> None:
    options = ("--model", "tiny", "--models-folder", models_folder, "--device", "cpu", "--z", "0.5,-0.5,1", "--samples", 5)
    likeliest = from_json(lines(svge("decode", *options))[0]["architectures"][0]["architecture"])  # type: ignore[index]
    assert svge("decode", *options, "--format", "python").stdout == network_source(likeliest)
    assert svge("decode", *options, "--random", 2, "--format", "dot").stdout.startswith("digraph")
    out = tmp_path / "decoded.svg"
    assert svge("decode", *options, "--random", 2, "--format", "svg", "--out", out).stdout == ""
    assert out.read_text().startswith("<svg")
    refused = svge("decode", *options, "--random", 2, "--format", "python")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "expected one latent point for --format python, got 3" in refused.stderr


def test_models_are_listed(models_folder: Path, tmp_path: Path) -> None:
    assert "tiny" in svge("models", "--models-folder", models_folder).stdout
    assert "svge train" in svge("models", "--models-folder", tmp_path).stdout


def test_a_model_is_trained_and_at_once_usable(tmp_path: Path) -> None:
    out = tmp_path / "models" / "mine.safetensors"
    sizes = ("--steps", 3, "--batch-size", 16, "--graphs", 60, "--width", 8, "--latent-size", 3, "--device", "cpu")
    trained = svge("train", "--space", "enas_macro", "--out", out, *sizes, "--run-folder", tmp_path / "run")
    assert trained.exit_code == 0, trained.output
    assert "% of free decodings are valid" in trained.stdout
    assert "mine" in svge("models", "--models-folder", out.parent).stdout
    assert len(lines(svge("decode", "--model", "mine", "--models-folder", out.parent, "--random", 1))) == 1


def test_the_database_is_upgraded_twice_without_harm(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'svge.db'}"
    for _ in range(2):
        result = svge("db", "upgrade", "--database-url", url)
        assert result.exit_code == 0, result.output
        assert "revision 0" in result.stdout


def test_keys_are_made_listed_and_revoked(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'svge.db'}"
    made = svge("keys", "create", "trainers", "--database-url", url)
    assert made.exit_code == 0, made.output
    assert made.stdout.startswith("svge_")
    again = svge("keys", "create", "trainers", "--database-url", url)
    assert again.exit_code == 2
    assert "a key 'trainers' exists already" in again.stderr
    listed = svge("keys", "list", "--database-url", url).stdout
    assert "trainers" in listed
    assert "observe" in listed
    assert made.stdout.strip() not in listed
    assert svge("keys", "revoke", "trainers", "--database-url", url).exit_code == 0
    assert svge("keys", "list", "--database-url", url).stdout == ""
    assert "there is no key 'trainers'" in svge("keys", "revoke", "trainers", "--database-url", url).stderr


def test_an_address_that_others_reach_is_not_served_without_a_key(
    models_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SVGE_MODELS_FOLDER", str(models_folder))
    refused = svge("serve", "--host", "0.0.0.0", "--port", 0, "--database-url", f"sqlite:///{tmp_path / 'svge.db'}")
    assert refused.exit_code == 2
    assert "svge keys create NAME --scope admin" in refused.stderr
    assert "SVGE_AUTH=off" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "unused"),
    [
        (["--help"], ["torch", "pandas", "fastapi", "sqlalchemy", "numpy", "httpx"]),
        (["study", "--help"], ["torch", "pandas", "fastapi", "sqlalchemy", "uvicorn"]),
        (["space", "sample", "nasbench101"], ["torch", "pandas", "fastapi", "sqlalchemy", "uvicorn"]),
    ],
)
def test_a_command_loads_no_more_than_it_needs(arguments: list[str], unused: list[str]) -> None:
    code = f"""
import sys
from typer.testing import CliRunner
from service.cli import app
done = CliRunner().invoke(app, {arguments})
assert done.exit_code == 0, done.output
sys.exit(str([name for name in {unused} if name in sys.modules]))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.stderr.strip() == "[]"


@pytest.fixture
def server(models_folder: Path, tmp_path: Path) -> Iterator[Served]:
    """A served process, from its first line of output on, and its URL."""
    url = f"sqlite:///{tmp_path / 'svge.db'}"
    settings = {"SVGE_MODELS_FOLDER": str(models_folder), "SVGE_DATABASE_URL": "sqlite:////nowhere/x.db", "SVGE_DEVICE": "cpu"}
    environment = {**os.environ, **settings}
    command = [sys.executable, "-m", "service.cli", "serve", "--port", "0", "--database-url", url]
    with (
        (tmp_path / "log.jsonl").open("w") as log,
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        assert process.stdout is not None
        first = process.stdout.readline()
        yield process, next(word for word in first.split() if word.startswith("http://"))
        process.kill()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_what_the_options_say_until_it_is_stopped(stop: signal.Signals, server: Served, tmp_path: Path) -> None:
    process, url = server
    with httpx.Client(base_url=url, transport=httpx.HTTPTransport(retries=5), timeout=60) as http:
        assert http.get("/healthz").status_code == 200
        created = http.post("/studies", json={"name": "demo", "space": "nasbench101", "initial_size": 2})
        assert created.status_code == 201, created.text
        suggested = http.post("/suggest", json={"study": "demo", "worker": "w", "wait": 60})
        assert suggested.json()["trials"][0]["source"] == "initial"
    assert (tmp_path / "svge.db").exists()
    process.send_signal(stop)
    assert process.wait(timeout=60) == 0
    log = (tmp_path / "log.jsonl").read_text()
    assert [line for line in log.splitlines() if not line.startswith("{")] == []
    assert "Application shutdown complete" in log


def test_an_occupied_port_is_refused(server: Served) -> None:
    port = server[1].rpartition(":")[2]
    result = svge("serve", "--port", port)
    assert result.exit_code == 2
    assert "choose another --port" in result.stderr


def broken_start(case: str, folder: Path) -> dict[str, str]:
    """The settings of a start that cannot succeed."""
    file = folder / "svge.db"
    url = f"sqlite:///{file}"
    if case == "junk":
        file.write_bytes(b"this is no database" * 100)
    elif case == "unknown revision":
        assert svge("db", "upgrade", "--database-url", url).exit_code == 0
        with sqlite3.connect(file) as connection:
            connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    elif case == "not a folder":
        (folder / "file").write_text("")
        url = f"sqlite:///{folder / 'file' / 'svge.db'}"
    elif case == "card":
        (folder / "broken.json").write_text("{}")
        return {"SVGE_DATABASE_URL": url, "SVGE_MODELS_FOLDER": str(folder)}
    elif case == "log level":
        return {"SVGE_DATABASE_URL": url, "SVGE_LOG_LEVEL": "loud"}
    elif case == "setting":
        return {"SVGE_DATABASE_URL": url, "SVGE_SWEEP_SECONDS": "soon"}
    else:
        url = case
    return {"SVGE_DATABASE_URL": url}


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("junk", "file is not a database"),
        ("unknown revision", "9999"),
        ("not a folder", "cannot use the database sqlite:///"),
        ("no url", "SVGE_DATABASE_URL"),
        ("oracle+cx_oracle://someone:secret@nowhere/x", "expected a sqlite or postgresql URL"),
        ("card", "broken"),
        ("log level", "log_level"),
        ("setting", "sweep_seconds"),
    ],
)
def test_a_start_that_cannot_succeed_says_why_in_one_line(
    case: str, message: str, models_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SVGE_MODELS_FOLDER", str(models_folder))
    for name, value in broken_start(case, tmp_path).items():
        monkeypatch.setenv(name, value)
    result = svge("serve", "--port", "0")
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert "secret" not in result.stderr


def test_a_worker_is_not_deployed_where_no_cluster_answers(models_folder: Path) -> None:
    needs_ray()
    settings = {"RAY_ADDRESS": "ray://127.0.0.1:9", "MODELS_FOLDER": str(models_folder)}
    environment = {**os.environ, **{f"SVGE_{name}": value for name, value in settings.items()}}
    command = [sys.executable, "-m", "service.cli", "worker", "deploy"]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "cannot deploy on ray://127.0.0.1:9: [Errno 111] Connection refused; see that 'ray start --head' runs" in result.stderr
    assert "RAY_AUTH_TOKEN" in result.stderr


@pytest.mark.parametrize("command", [["worker", "deploy"], ["serve", "--port", "0"]])
def test_what_needs_ray_says_so_where_it_is_not_installed(
    command: list[str], models_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SVGE_WORKER", "ray")
    monkeypatch.setenv("SVGE_DATABASE_URL", f"sqlite:///{tmp_path}/svge.db")
    monkeypatch.setenv("SVGE_MODELS_FOLDER", str(models_folder))
    for module in ("service.workers.ray", "service.workers.ray_application"):
        monkeypatch.setitem(sys.modules, module, None)
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 2
    assert "pip install 'svge-search[ray]'" in result.stderr
