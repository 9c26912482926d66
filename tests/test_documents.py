"""The guides for people say what there is: their Python runs, and they name every command and every method."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from svge_client import Architecture, AsyncClient, Client
from torch.utils.data import DataLoader, TensorDataset

from tests.client.facades.optional import needed
from tests.client.live import serving
from tests.service.commands.trees import commands

DOCS = Path(__file__).parents[1] / "docs"
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


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("service")) as url:
        yield url


@pytest.fixture
def names(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What the guide leaves to its readers."""
    monkeypatch.setenv("SVGE_URL", url)
    with Client() as client:
        yield {"client": client, "train": lambda architecture: 0.5}


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
