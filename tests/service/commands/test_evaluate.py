"""`svge evaluate …` from the command line, on untrained models too small to be good."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

from models.architectures.formats import from_json
from models.autoencoders.checkpoint import save_checkpoint
from models.spaces.registry import get_space
from models.svge.config import SVGeConfig
from models.svge.model import SVGe
from service.cli import app

SMALL = SVGeConfig(node_size=8, message_size=8, hidden_size=8, latent_size=3)
SAMPLED = "300 distinct samples of the space, seed 0; 30 of them held out"


@pytest.fixture(scope="module")
def models_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small untrained checkpoints, two of one space."""
    folder = tmp_path_factory.mktemp("models")
    for name, space, data in (
        ("enas", "enas_macro", SAMPLED),
        ("other", "enas_macro", SAMPLED),
        ("cells", "nasbench101", "a file of cells"),
        ("fixed", "nasbench201", "all 15625 architectures of the space, seed 0; 1562 of them held out"),
    ):
        torch.manual_seed(len(name))
        save_checkpoint(SVGe(SMALL, get_space(space).vocabulary), space, folder / f"{name}.safetensors", {"data": data})
    return folder


def evaluate(what: str, models_folder: Path, *arguments: object) -> Result:
    command = ["evaluate", what, "--models-folder", str(models_folder), *(str(argument) for argument in arguments)]
    return CliRunner().invoke(app, command)


def results(result: Result, out: Path, name: str) -> dict[str, object]:
    """The figures that were written, after checking that the page and every picture it shows were too."""
    assert result.exit_code == 0, result.output
    page = (out / f"{name}.md").read_text()
    pictures = [part.split(")")[0] for part in page.split("](")[1:]]
    assert pictures
    assert all((out / picture).is_file() for picture in pictures)
    assert all((out / picture).with_suffix(".svg").is_file() for picture in pictures)
    figures: dict[str, object] = json.loads((out / f"{name}.json").read_text())
    return figures


def test_abilities_of_the_held_out_graphs_of_a_card(models_folder: Path, tmp_path: Path) -> None:
    few = ("--graphs", 5, "--prior-samples", 5)
    result = evaluate("abilities", models_folder, "--checkpoint", "enas", "--out", tmp_path, *few, "--beside", "other")
    found = results(result, tmp_path, "abilities")
    assert found["validity_constrained"] == 100.0
    assert {"reconstruction", "reconstruction_published_noise", "reconstruction_greedy"} <= found.keys()
    assert {"validity_free", "uniqueness", "novelty", "hash"} <= found.keys()
    assert (found["data"], found["num_held_out"]) == (SAMPLED, 5)
    assert [one["step_length"] for one in found["smoothness"]] == [0.125, 0.25, 0.5, 1.0, 2.0]
    assert list(found["smoothness_beside"]) == ["other"]
    assert "99.96" in (tmp_path / "abilities.md").read_text()


def test_a_checkpoint_is_also_named_by_its_path(models_folder: Path, tmp_path: Path) -> None:
    path = models_folder / "enas.safetensors"
    result = evaluate("abilities", tmp_path, "--checkpoint", path, "--out", tmp_path, "--graphs", 2, "--prior-samples", 2)
    assert results(result, tmp_path, "abilities")["checkpoint"] == "enas"


def test_prediction_from_a_file_of_measurements(
    models_folder: Path, tmp_path: Path, shared_data: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.evaluation.prediction.FineTuningConfig", _short)
    data = shared_data("nasbench101_sample.csv")
    metric = ("--metric", "val_accuracy_108epochs", "--runs", 2)
    result = evaluate("prediction", models_folder, "--checkpoint", "cells", "--data", data, "--out", tmp_path, *metric)
    found = results(result, tmp_path, "prediction")
    assert (found["num_train"], found["num_test"], found["num_labels"]) == (78, 78, 78)
    assert {"rmse", "pearson_r", "mse", "rank_percent", "best_found"} <= found.keys()
    assert found["best_found"] <= found["best_there_is"] < 1.0
    assert [one["labels"] for one in found["fine_tuned"]] == [78]


def test_a_metric_that_the_network_cannot_predict_is_refused_before_anything_is_fitted(
    models_folder: Path, tmp_path: Path, shared_data: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.evaluation.prediction.fit_regression", None)
    table = tmp_path / "counts.csv"
    lines = shared_data("nasbench101_sample.csv").read_text().splitlines()
    table.write_text("\n".join([f"{lines[0]},size", *(f"{line},{1000 + place}" for place, line in enumerate(lines[1:]))]))
    command = ("--checkpoint", "cells", "--data", table, "--out", tmp_path, "--metric", "size")
    result = evaluate("prediction", models_folder, *command)
    assert result.exit_code == 2
    assert "'size' to be an accuracy" in " ".join(result.output.split())
    assert "--labels 0" in " ".join(result.output.split())


def test_extrapolation_proposes_new_valid_cells_that_can_be_built(
    models_folder: Path, tmp_path: Path, shared_data: Callable[[str], Path]
) -> None:
    data = shared_data("nasbench101_sample.csv")
    few = ("--candidates", 20, "--metric", "val_accuracy_108epochs")
    result = evaluate("extrapolation", models_folder, "--checkpoint", "cells", "--data", data, "--out", tmp_path, *few)
    found = results(result, tmp_path, "extrapolation")
    assert list(found["sizes"]) == ["8", "9"]
    for size, one in found["sizes"].items():
        assert len(one["best"]) == 5
        for proposed in one["best"]:
            architecture = from_json(proposed["architecture"])
            get_space("nasbench101").validate(architecture, max_nodes=int(size))
            assert architecture.num_nodes == int(size)
            assert proposed["parameters"] > 100_000
            assert (tmp_path / proposed["drawing"]).read_text().startswith("<svg")


def test_random_search_looks_values_up_where_the_whole_space_was_measured(
    models_folder: Path, tmp_path: Path, shared_data: Callable[[str], Path]
) -> None:
    data = shared_data("nasbench201_cifar10_12epochs.csv")
    few = ("--count", 10, "--runs", 2)
    result = evaluate("random", models_folder, "--checkpoint", "fixed", "--data", data, "--out", tmp_path, *few)
    found = results(result, tmp_path, "random")
    assert found["values"] == "measured"
    assert found["metric"] == "cifar10_val"
    assert found["best_value"] >= found["mean_best_value"]
    assert len(found["curve"]["latent"]) == len(found["curve"]["uniform"]) == 10


@pytest.mark.parametrize(
    ("what", "arguments", "message"),
    [
        ("prediction", ["--checkpoint", "enas"], "give their file with --data"),
        ("random", ["--checkpoint", "enas", "--data", "nowhere.csv"], "nowhere.csv"),
        ("abilities", ["--checkpoint", "cells"], "the file it was trained on with --data"),
        ("abilities", ["--checkpoint", "enas", "--beside", "cells"], "leave it out"),
        ("abilities", ["--checkpoint", "enas", "--beside", "enas"], "different names, got 'enas' twice"),
        ("extrapolation", ["--checkpoint", "cells", "--nodes", "8", "--nodes", "6"], "more nodes than the 7"),
        ("extrapolation", ["--checkpoint", "cells", "--nodes", "11"], "at most 9 edges, which join at most 10 nodes"),
        ("abilities", ["--checkpoint", "nothing"], "unknown model 'nothing'"),
        ("abilities", ["--checkpoint", "nowhere/nothing.safetensors"], "cannot read the checkpoint"),
        ("extrapolation", ["--checkpoint", "fixed"], "extrapolate in another space"),
    ],
)
def test_what_is_missing_is_said_in_one_line(
    what: str, arguments: list[str], message: str, models_folder: Path, tmp_path: Path
) -> None:
    result = evaluate(what, models_folder, *arguments, "--out", tmp_path / "results")
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output
    assert not list((tmp_path / "results").glob("*.json"))


@pytest.mark.parametrize("what", ["", "abilities", "prediction", "extrapolation", "random"])
def test_every_command_explains_itself(what: str) -> None:
    result = CliRunner().invoke(app, ["evaluate", *what.split(), "--help"])
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) > 8


def _short(**changed: object):  # type: ignore[no-untyped-def]
    from models.svge.finetuning import FineTuningConfig

    return FineTuningConfig(num_epochs=2, **changed)


def test_injectivity_of_a_whole_space(models_folder: Path, tmp_path: Path) -> None:
    many = ("--relabellings", 200, "--graphs", 16_000)
    page = evaluate("injectivity", models_folder, "--checkpoint", "fixed", "--out", tmp_path, *many)
    assert page.exit_code == 0, page.output
    found = json.loads((tmp_path / "injectivity.json").read_text())
    assert (found["num_relabelled"], found["num_compared"]) == (200, 15_625)
    assert found["largest_relabelling_difference"] < 1e-5
    assert found["smallest_distance"] > 0.0
    first, second = (from_json(found["closest_pair"][place]) for place in ("first", "second"))
    assert first != second
    assert (tmp_path / "injectivity_first.svg").read_text().startswith("<svg")
