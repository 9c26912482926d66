import math
from pathlib import Path
from typing import Any

import pytest
import torch
from svge_client import Client, RunningTrial
from torch.utils.data import DataLoader, TensorDataset

from tests.client.facades.optional import needed

pytorch_lightning = needed("pytorch_lightning", "lightning")

from svge_client.lightning import SvgeCallback  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")


class Levels(pytorch_lightning.LightningModule):
    """Logs the given value after each epoch, whatever it learns."""

    def __init__(self, values: list[float], name: str = "level") -> None:
        super().__init__()
        self.name = name
        self.layer = torch.nn.Linear(1, 1)
        self.values = values

    def training_step(self, batch: Any, index: int) -> torch.Tensor:
        return self.layer(batch[0]).mean()

    def validation_step(self, batch: Any, index: int) -> None:
        self.log(self.name, self.values[self.current_epoch])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


@pytest.fixture
def loader() -> DataLoader[Any]:
    return DataLoader(TensorDataset(torch.ones(2, 1)))


def trainer_of(trial: RunningTrial, folder: Path, monitor: str = "level") -> pytorch_lightning.Trainer:
    return pytorch_lightning.Trainer(max_epochs=4, callbacks=[SvgeCallback(trial, monitor=monitor)], **quiet(folder))


def quiet(folder: Path) -> dict[str, Any]:
    """What a trainer needs not to be told in a test."""
    shown = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    return {"accelerator": "cpu", "devices": 1, "default_root_dir": folder, **shown}


def train(client: Client, study: str, values: list[float], loader: DataLoader[Any], folder: Path) -> list[int]:
    """Train one trial on these values; how many epochs were completed, where the body went on to its report."""
    epochs: list[int] = []
    with client.trial(study) as trial:
        trainer = trainer_of(trial, folder)
        trainer.fit(Levels(values), loader, loader)
        epochs.append(trainer.current_epoch)
        trial.report(values[-1], step=4)
    return epochs


def test_values_are_told_and_hopeless_trainings_end_in_order(
    client: Client, study: str, loader: DataLoader[Any], tmp_path: Path
) -> None:
    assert train(client, study, [0.5, 0.75, 0.875, 0.9375], loader, tmp_path / "good") == [4]
    assert train(client, study, [0.25] * 4, loader, tmp_path / "bad") == []
    assert train(client, study, [0.25, math.nan, 0.5, 0.5], loader, tmp_path / "diverged") == []
    good, bad, diverged = client.trials(study)
    assert [trial.state for trial in (good, bad, diverged)] == ["completed", "stopped", "failed"]
    assert [(step.step, step.value) for step in client.progress(good)] == [(1, 0.5), (2, 0.75), (3, 0.875), (4, 0.9375)]
    assert [step.step for step in client.progress(bad)] == [1, 2]
    assert (bad.value, "not the best" in (bad.reason or "")) == (0.25, True)
    assert "diverged" in (diverged.reason or "")
    assert len(list((tmp_path / "bad").rglob("*.ckpt"))) == 1, "a training that is ended writes its checkpoint"


def test_a_metric_that_is_never_logged_is_named(client: Client, study: str, loader: DataLoader[Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not log 'accuracy' in its validation, but level"), client.trial(study) as trial:
        trainer_of(trial, tmp_path, monitor="accuracy").fit(Levels([0.5] * 4), loader, loader)
    (failed,) = client.trials(study)
    assert failed.state == "failed"


def test_validating_alone_tells_nothing(client: Client, study: str, loader: DataLoader[Any], tmp_path: Path) -> None:
    with client.trial(study) as trial:
        trainer_of(trial, tmp_path).validate(Levels([0.5] * 4), loader, verbose=False)
        trial.report(0.5)
    (done,) = client.trials(study)
    assert list(client.progress(done)) == []
