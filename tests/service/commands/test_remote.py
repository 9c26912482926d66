"""The commands that speak to a server: every operation has one, `--json` is the server's word, and refusals are plain."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from service.cli import app
from tests.client.live import Recorder, application, listening
from tests.service.api.uploading import WHOLE, YAML
from tests.service.commands.trees import commands

WITHOUT = {
    "healthz": "a probe of whoever restarts the process, which looks at its status alone",
    "read_metrics": "text for Prometheus, which reads it by itself",
}
ORIGIN = "0,0,0,0"


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Recorder:
    return Recorder(application(tmp_path_factory.mktemp("service"), "other"))


@pytest.fixture(scope="module")
def url(recorder: Recorder) -> Iterator[str]:
    with listening(recorder) as address:
        yield address


@pytest.fixture(autouse=True)
def _here(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SVGE_URL", url)
    monkeypatch.setenv("COLUMNS", "200")


def svge(*arguments: object, text: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=text)


def said(*arguments: object, text: str | None = None) -> str:
    result = svge(*arguments, text=text)
    assert result.exit_code == 0, result.output
    return result.stdout


def answered(*arguments: object, text: str | None = None) -> Any:
    return json.loads(said(*arguments, "--json", text=text))


def test_every_operation_has_a_command(recorder: Recorder, tmp_path: Path) -> None:
    recorder.called.clear()
    of_studies(tmp_path)
    of_trials()
    of_latents(tmp_path)
    of_the_server(tmp_path)
    assert recorder.operations - recorder.called == set(WITHOUT)


def of_studies(folder: Path) -> None:
    created = answered("study", "create", "demo", "--space", "nasbench101", "--max-trials", 20, "--strategy", "random")
    assert (created["name"], created["max_trials"], created["strategy"]) == ("demo", 20, "random")
    assert "demo" in said("study", "list")
    assert answered("study", "list", "--limit", 1)["next_cursor"] is not None
    assert answered("study", "tag", "demo", "a", "b")["tags"] == ["a", "b"]
    assert answered("study", "note", "demo", "first try")["note"] == "first try"
    assert answered("study", "note", "demo")["note"] is None
    assert answered("study", "show", "demo")["tags"] == ["a", "b"]
    assert answered("study", "close", "demo")["closed_at"] is not None
    assert answered("study", "reopen", "demo")["closed_at"] is None
    cells = said("space", "sample", "nasbench101", "--count", 2, "--native")
    assert [trial["state"] for trial in answered("study", "enqueue", "demo", text=cells)["trials"]] == ["waiting"] * 2
    assert [one["trial"] is None for one in answered("study", "predict", "demo", text=cells)["predictions"]] == [False, False]
    file = folder / "trials.csv"
    said("study", "export", "demo", "--out", file)
    assert answered("study", "import", "demo", file) == {"imported": 0, "unchanged": 0, "left_out": 2}
    assert answered("study", "pin", "demo", "other")["model_hash"] != created["model_hash"]


def of_trials() -> None:
    first, second = answered("trial", "suggest", "demo", "--worker", "w", "--count", 2)["trials"]
    assert answered("trial", "heartbeat", first["id"], "--worker", "w")["renewed"][0]["trial"] == first["id"]
    assert f"{second['id']}  renewed" in said("trial", "heartbeat", second["id"], "--worker", "w")
    done = answered("trial", "observe", first["id"], "--value", 0.5, "--std", 0.1, "--metric", "seconds=3", "--step", 9)
    assert (done["trial"]["value"], done["trial"]["std"]) == (0.5, 0.1)
    assert (
        answered("trial", "observe", second["id"], "--status", "failed", "--reason", "no memory")["trial"]["reason"] == "no memory"
    )
    assert answered("trial", "show", first["id"])["observations"][0]["metrics"] == {"seconds": 3.0}
    assert said("trial", "show", first["id"], "--format", "dot").startswith("digraph")
    assert answered("trial", "progress", first["id"]) == {"progress": [], "next_cursor": None}
    assert answered("trial", "tag", first["id"], "good")["trial"]["tags"] == ["good"]
    assert answered("trial", "note", first["id"], "again")["trial"]["note"] == "again"
    assert answered("trial", "replicate", first["id"])["trials"][0]["canonical_id"] == first["canonical_id"]
    page = answered("study", "trials", "demo", "--limit", 2)
    assert [trial["number"] for trial in page["trials"]] == [1, 2]
    assert [trial["number"] for trial in answered("study", "trials", "demo", "--cursor", page["next_cursor"])["trials"]] == [3]
    assert f"more: --cursor {page['next_cursor']}" in said("study", "trials", "demo", "--limit", 2)
    for command in ("best", "pareto"):
        assert [trial["id"] for trial in answered("study", command, "demo")["trials"]] == [first["id"]]
    assert answered("study", "curve", "demo")["evaluations"] == 1
    assert len(answered("study", "map", "demo", "--sample", 2)["sample"]) == 2


def of_latents(folder: Path) -> None:
    cells = said("space", "sample", "nasbench101", "--count", 3)
    for scope in (("--study", "demo"), ("--model", "other"), ("--space", "nasbench101")):
        assert len(answered("latent", "encode", *scope, text=cells)["latents"]) == 3
    assert answered("latent", "decode", "--study", "demo", "--z", ORIGIN)["points"] == [[0.0] * 4]
    assert len(answered("latent", "decode", "--model", "other", "--z", ORIGIN, "--z", "1,1,1,1")["points"]) == 2
    assert len(answered("latent", "decode", "--model", "other", "--random", 3)["points"]) == 3
    line = answered("latent", "decode", "--study", "demo", "--from", ORIGIN, "--to", "1,1,1,1", "--steps", 3)
    assert line["points"][1] == [0.5] * 4
    picture = folder / "points.svg"
    said("latent", "decode", "--study", "demo", "--random", 2, "--format", "svg", "--out", picture)
    assert picture.read_text().startswith("<svg")


def of_the_server(folder: Path) -> None:
    file = folder / "mine.yaml"
    file.write_text(YAML)
    assert answered("space", "upload", file)["name"] == "mine"
    assert "mine" in said("server", "spaces")
    checkpoint = folder / "mine.safetensors"
    checkpoint.write_bytes(WHOLE)
    assert answered("model", "upload", "my_model", checkpoint)["space"] == "mine"
    assert "my_model" in said("server", "models")
    said("study", "create", "of-mine", "--space", "mine")
    cell = json.dumps({"nodes": ["input", "a", "output"], "edges": [[0, 1], [1, 2]]})
    assert answered("study", "enqueue", "of-mine", text=cell)["trials"][0]["architecture"]["space"] == "mine"
    assert svge("model", "delete", "my_model", "--yes").exit_code == 2
    said("study", "delete", "of-mine", "--yes")
    assert said("model", "delete", "my_model", "--yes") == "deleted 'my_model'\n"
    assert answered("server", "status")["status"] == "ready"
    assert "version" in said("server", "version")


@pytest.mark.parametrize(
    ("command", "path"),
    [
        (("study", "show", "told"), "/studies/told"),
        (("study", "trials", "told"), "/studies/told/trials"),
        (("study", "curve", "told"), "/studies/told/curve"),
        (("server", "models"), "/models"),
        (("server", "version"), "/version"),
    ],
)
def test_json_is_what_the_server_said(command: tuple[str, ...], path: str, url: str) -> None:
    svge("study", "create", "told", "--space", "nasbench101", "--exist-ok")
    assert said(*command, "--json") == httpx.get(url + path).text + "\n"


def test_a_table_has_what_people_look_for() -> None:
    goals = ("--named-objective", "accuracy=maximize", "--named-objective", "parameters=minimize", "--limit", "parameters=30000000")
    rule = ("--stopping", "rule=asha", "--stopping", "max_step=50")
    shown = said("study", "create", "tables", "--space", "nasbench101", *goals, *rule)
    assert "maximize accuracy, minimize parameters" in shown
    assert "parameters <= 30000000" in shown
    (trial,) = answered("trial", "suggest", "tables", "--worker", "w")["trials"]
    assert answered("study", "show", "tables")["stopping"]["max_step"] == 50
    assert "accuracy 0.75" in said("trial", "observe", trial["id"], "--named-value", "accuracy=0.75")
    assert trial["id"] in said("study", "best", "tables")
    listed = said("study", "trials", "tables", "--state", "completed")
    assert trial["id"] in listed
    assert "accuracy 0.75" in listed


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("study", "show", "nowhere"), 2, "nowhere"),
        (("study", "create", "x y", "--space", "nasbench101"), 2, "\n  /name: "),
        (
            ("study", "create", "x", "--space", "nasbench101", "--limit", "parameters"),
            2,
            "expected --limit NAME=VALUE, got 'parameters'",
        ),
        (("study", "create", "x", "--space", "nasbench101", "--limit", "parameters=few"), 2, "expected --limit NAME=NUMBER"),
        (("study", "import", "x", "nowhere.csv"), 2, "cannot read 'nowhere.csv'"),
        (("study", "enqueue", "refusals"), 2, "no architecture was given"),
        (("trial", "observe", "0" * 32, "--value", 1), 2, "0" * 32),
        (("latent", "encode"), 2, "exactly one of --study, --model and --space"),
        (("latent", "encode", "--model", "nothing"), 2, "the server has no model 'nothing'"),
        (("latent", "decode", "--study", "refusals", "--z", "a,b"), 2, "numbers joined by commas"),
        (("study", "list", "--url", "http://127.0.0.1:1"), 1, "no answer from http://127.0.0.1:1"),
        (("study", "list", "--url", "http://me:secret@127.0.0.1:1"), 1, "no answer from http://***@127.0.0.1:1"),
        (("trial", "observe", "0" * 32, "--value", 1, "--named-value", "a=1"), 2, "--value or --named-value, not both"),
        (("trial", "observe", "0" * 32, "--status", "failed", "--value", 1), 2, "a trial that is failed has no --value"),
        (("trial", "observe", "0" * 32, "--status", "stopped", "--metric", "a=1", "--std", 1), 2, "has no --metric, --std"),
        (("trial", "observe", "0" * 32, "--value", 0, "--reason", "none"), 2, "a trial that is completed has no --reason"),
        (("study", "list", "--url", "nowhere"), 2, "expected the address of a server, http://HOST:PORT"),
        (("study", "list", "--key", "svge_\u00e9"), 2, "the token of the key"),
        (("study", "create", "x", "--space", "nasbench101", "--limit", "parameters=inf"), 2, "parameters=N with a whole number"),
        (("study", "create", "x", "--space", "nasbench101", "--limit", "parameters=2.5"), 2, "whole number, got 2.5"),
    ],
)
def test_refusals_are_plain_and_their_exit_code_says_whose_fault_it_is(
    arguments: tuple[object, ...], code: int, message: str
) -> None:
    svge("study", "create", "refusals", "--space", "nasbench101", "--exist-ok")
    result = svge(*arguments, text="")
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr
    assert result.stderr.startswith("svge: ")
    assert "Traceback" not in result.output
    assert isinstance(result.exception, SystemExit)


def test_a_study_that_hands_out_nothing_has_an_exit_code_of_its_own() -> None:
    svge("study", "create", "over", "--space", "nasbench101", "--max-trials", 1)
    assert svge("trial", "suggest", "over", "--worker", "w").exit_code == 0
    result = svge("trial", "suggest", "over", "--worker", "v")
    assert result.exit_code == 3
    assert "max_trials" in result.stderr


def test_a_key_goes_with_the_request(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    said("study", "list", "--key", "given")
    assert recorder.authorization == "Bearer given"
    monkeypatch.setenv("SVGE_TOKEN", "of-the-environment")
    said("study", "list")
    assert recorder.authorization == "Bearer of-the-environment"


def test_nothing_is_deleted_before_somebody_says_yes() -> None:
    svge("study", "create", "dear", "--space", "nasbench101")
    assert svge("study", "delete", "dear", text="n\n").exit_code == 1
    assert answered("study", "show", "dear")["name"] == "dear"
    assert svge("study", "delete", "dear", text="y\n").exit_code == 0
    assert svge("study", "show", "dear").exit_code == 2


def test_the_shell_completes_names_of_studies(url: str) -> None:
    for name in ("complete-a", "complete-b"):
        svge("study", "create", name, "--space", "nasbench101")
    words = {"_SVGE_COMPLETE": "complete_bash", "COMP_WORDS": "svge study show complete-", "COMP_CWORD": "3"}
    completed = CliRunner().invoke(app, [], env=words, prog_name="svge")
    assert completed.stdout.split() == ["complete-a", "complete-b"]
    lost = CliRunner().invoke(app, [], env={**words, "SVGE_URL": "http://127.0.0.1:1"}, prog_name="svge")
    assert (lost.exit_code, lost.stdout.split()) == (0, [])


def test_every_command_of_a_server_takes_its_address_key_and_json() -> None:
    remote = {
        path: options for path, options in commands().items() if path.split()[0] in ("study", "trial", "latent", "model", "server")
    }
    assert len(remote) > 30
    assert all({"--url", "--key", "--json"} <= options for options in remote.values())


def test_ids_stay_whole_in_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    svge("study", "create", "narrow", "--space", "nasbench101")
    trials = answered("trial", "suggest", "narrow", "--worker", "w", "--count", 3)["trials"]
    listed = said("study", "trials", "narrow")
    assert all(trial["id"] in listed for trial in trials)
    assert max(map(len, listed.splitlines())) <= 80
