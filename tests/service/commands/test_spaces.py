"""`svge space …` with the spaces that checkpoints bring, and what it says of files it cannot use."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from service.cli import app

CELL = '{"nodes": ["input", "conv3x3", "output"], "edges": [[0, 1], [1, 2]]}'
MINE = {"name": "mine", "operations": ["a", "b"], "max_nodes": 5}


def space(*arguments: object, text: str | bytes | None = None) -> Result:
    return CliRunner().invoke(app, ["space", *map(str, arguments)], input=text)


@pytest.fixture
def models_folder(tmp_path: Path) -> Path:
    """A card of a user's space; its weights are never read here."""
    folder = tmp_path / "models"
    folder.mkdir()
    card = {"space": "mine", "config": {"latent_size": 4}, "space_definition": MINE}
    (folder / "first.json").write_text(json.dumps(card))
    (folder / "first.safetensors").write_bytes(b"first")
    return folder


def test_a_space_that_is_listed_can_be_sampled_and_drawn(models_folder: Path) -> None:
    option = ("--models-folder", models_folder)
    assert "mine" in space("list", *option).stdout
    sampled = space("sample", "mine", *option)
    assert sampled.exit_code == 0, sampled.output
    assert json.loads(sampled.stdout)["space"] == "mine"
    assert space("draw", "mine", *option, text=sampled.stdout).stdout.startswith("<svg")
    without = space("draw", "mine", *option, "--format", "python", text=sampled.stdout)
    assert (without.exit_code, without.stdout) == (2, "")
    assert "no networks for the space 'mine'; expected one of enas_macro" in without.stderr
    refused = space("sample", "yours", *option)
    assert refused.exit_code == 2
    assert "expected one of enas_macro, enas_micro, nasbench101, nasbench201, mine, or a YAML file" in refused.stderr


def test_a_space_that_was_uploaded_is_known_to_every_command(
    models_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads = tmp_path / "uploads"
    uploads.mkdir()
    (uploads / "yours.space.yaml").write_text(json.dumps({**MINE, "name": "yours"}))
    monkeypatch.setenv("SVGE_UPLOADS_FOLDER", str(uploads))
    option = ("--models-folder", models_folder)
    listed = space("list", *option).stdout
    assert "mine" in listed
    assert "yours" in listed
    assert json.loads(space("sample", "yours", *option).stdout)["space"] == "yours"
    wrong = CliRunner().invoke(app, ["train", "--space", "theirs", "--out", str(tmp_path / "x.safetensors")])
    assert wrong.exit_code == 2
    assert "yours, or a YAML file of your own" in wrong.stderr


def test_files_come_before_the_models_folder_is_read(models_folder: Path) -> None:
    (models_folder / "broken.json").write_text("{}")
    option = ("--models-folder", models_folder)
    assert space("sample", "nasbench101", *option).exit_code == 0
    assert "cannot read the space 'nowhere.yaml'" in space("sample", "nowhere.yaml", *option).stderr


def test_what_cannot_be_written_is_named_with_the_remedy(tmp_path: Path) -> None:
    file = tmp_path / "afile"
    file.write_text("")
    missing = tmp_path / "nowhere" / "x.jsonl"
    for result, path in (
        (space("sample", "nasbench101", "--out", missing), missing),
        (space("draw", "nasbench101", "--folder", file, text=CELL), file),
        (space("draw", "nasbench101", "--folder", file / "below", text=CELL), file / "below"),
    ):
        assert (result.exit_code, result.stdout) == (2, "")
        assert f"cannot write to '{path}': " in result.stderr
        assert "; choose another --" in result.stderr


@pytest.mark.parametrize("text", ["[" * 100_000, '{"nodes": ' * 100_000, '{"nodes": ' + "[" * 400 + "]" * 400 + ', "edges": []}'])
def test_deep_json_is_refused_by_its_line(text: str) -> None:
    result = space("draw", "nasbench101", text=CELL + "\n" + text)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "svge: line 2" in result.stderr


def test_bytes_that_are_no_text_are_refused_by_the_file(tmp_path: Path) -> None:
    path = tmp_path / "latin.jsonl"
    path.write_bytes(b'{"nodes": ["\xe9"]}')
    result = space("draw", "nasbench101", path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"'{path}' is no text in UTF-8" in result.stderr
    assert "save it as UTF-8" in result.stderr
    result = space("draw", "nasbench101", text=b"\xff")
    assert result.exit_code == 2
    assert "standard input is no text in UTF-8" in result.stderr
