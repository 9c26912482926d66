"""The guides for people say what there is: their Python runs, and they name every command and every method."""

import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from svge_client import Architecture, AsyncClient, AsyncRunningTrial, Client, RunningTrial, SvgeError, optuna_style
from torch.utils.data import DataLoader, TensorDataset

from tests.client.facades.optional import needed
from tests.service.commands.trees import commands

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "client.md").read_text(encoding="utf-8")
COMMAND_LINE = (DOCS / "command-line.md").read_text(encoding="utf-8")


def sections() -> dict[str, str]:
    """The Python of each section of the guide by its heading."""
    parts = re.split(r"^## (.+)$", GUIDE, flags=re.MULTILINE)[1:]
    code = {
        heading: "\n".join(re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL))
        for heading, text in zip(parts[::2], parts[1::2], strict=True)
    }
    return {heading: text for heading, text in code.items() if text}


def test_what_the_guide_shows_of_the_client_runs(names: dict[str, Any]) -> None:
    code = sections()
    ordinary = [code[heading] for heading in code if heading not in ("PyTorch Lightning", "Ray Tune")]
    assert len(ordinary) == 6
    exec("\n".join(ordinary), names)
    with names["client"] as client:
        completed = {study.name: study.trials["completed"] for study in client.studies()}
    assert completed == {"demo": 4, "short": 2, "stopping": 4, "async": 4, "from-optuna": 5}


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")
def test_what_the_guide_shows_of_lightning_runs(names: dict[str, Any], tmp_path: Path) -> None:
    lightning = needed("pytorch_lightning", "lightning")
    from tests.client.facades.test_lightning import Levels, quiet

    class Module(Levels):
        def __init__(self, architecture: Architecture) -> None:
            super().__init__([0.25, 0.5, 0.75], name="val_accuracy")

    loader = DataLoader(TensorDataset(torch.ones(2, 1)))
    given = {"Trainer": partial(lightning.Trainer, **quiet(tmp_path)), "Module": Module, "loader": loader}
    exec(sections()["PyTorch Lightning"], names | given)
    assert [trial.value for trial in names["client"].trials("lightning")] == [0.75]


def test_what_the_guide_shows_of_ray_tune_is_what_tune_takes(names: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """All but the run itself, which would start a cluster."""
    tune = needed("ray.tune", "ray")
    taken: list[Any] = []
    monkeypatch.setattr(tune.Tuner, "fit", lambda tuner: taken.append(tuner))
    exec(sections()["Ray Tune"], names)
    (tuner,) = taken
    settings = tuner._local_tuner.get_run_config(), tuner._local_tuner._tune_config, tuner._local_tuner.param_space
    run, search, space = settings
    assert search.search_alg.set_search_properties(search.metric, search.mode, space)
    assert search.search_alg.suggest("a")["epochs"] == 9
    assert run.stop("a", {"training_iteration": 1, "accuracy": 0.5}) is False
    search.search_alg.on_trial_complete("a", {"training_iteration": 9, "accuracy": 0.5, "done": True})
    assert [trial.value for trial in names["client"].trials("tune")] == [0.5]


def section(heading: str) -> str:
    return GUIDE.partition(f"## {heading}\n")[2].partition("\n## ")[0]


def public(*things: object) -> set[str]:
    return {name for thing in things for name in dir(thing) if not name.startswith("_")}


def errors(root: type) -> set[str]:
    return {root.__name__}.union(*(errors(child) for child in root.__subclasses__()))


def test_the_guide_names_every_exception() -> None:
    named = set(re.findall(r"`(\w+)`", section("When something goes wrong")))
    assert errors(SvgeError) <= named | {"SvgeError"}


@pytest.mark.parametrize("kind", [RunningTrial, AsyncRunningTrial])
def test_the_guide_names_all_of_a_running_trial(kind: Any) -> None:
    running = kind(AsyncClient() if kind is AsyncRunningTrial else Client(), "demo", "w", None)
    named = re.findall(r"`(\w+)`", section("A running trial"))
    assert public(kind) | {name for name in vars(running) if not name.startswith("_")} <= set(named)
    assert [name for name in named if name not in {*public(running), "with", "run"}] == []


def test_the_guide_names_all_that_is_like_optuna() -> None:
    named = set(re.findall(r"\w+", section("Coming from Optuna")))
    offered = public(optuna_style.Study, optuna_style.Trial) | {"create_study", "load_study", "TrialPruned"}
    assert offered - {"study_name", "number"} <= named


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_the_guide_names_every_method(kind: type) -> None:
    listed = set(re.findall(r"`(\w+)`", GUIDE.partition("## All methods")[2]))
    there = {name for name in dir(kind) if not name.startswith("_") and callable(getattr(kind, name))}
    assert listed - {"Client", "AsyncClient", "with"} == there


def test_every_command_is_documented_and_no_other() -> None:
    rows = [line for line in COMMAND_LINE.splitlines() if line.startswith("| `svge ")]
    named = [command for row in rows for command in re.findall(r"`svge ([a-z ]+)`", row.split("|")[1])]
    assert sorted(named) == sorted(commands())


def test_every_option_that_the_page_names_is_one() -> None:
    options = commands()
    named = [
        (command, option)
        for row in COMMAND_LINE.splitlines()
        if row.startswith("| `svge ")
        for command in re.findall(r"`svge ([a-z ]+)`", row.split("|")[1])
        for option in re.findall(r"`(--[a-z-]+)", row.split("|")[2])
    ]
    assert len(named) > 15
    assert [(command, option) for command, option in named if option not in options[command]] == []
