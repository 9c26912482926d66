"""Training: it learns, it resumes exactly, and it says so when it fails."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from models.autoencoders.autoencoder import GraphAutoencoder
from models.spaces.enas_macro import EnasMacro
from models.svge.config import SVGeConfig
from models.svge.model import SVGe
from models.svge.packing import pack
from models.svge.training import LOG_FILE, ForeignRun, TrainingConfig, TrainingDiverged, TrainingStep, learning_rate, train

SPACE = EnasMacro(num_layers=2)
CONFIG = SVGeConfig(node_size=32, message_size=32, hidden_size=32, latent_size=16)
TRAINING = TrainingConfig(num_steps=400, batch_size=36, learning_rate=5e-3, warmup_steps=20, half_precision=False)


def new_model(seed: int = 0) -> SVGe:
    torch.manual_seed(seed)
    return SVGe(CONFIG, SPACE.vocabulary)


def ignore(step: TrainingStep) -> None:
    pass


def test_a_small_space_is_learnt_by_heart(tmp_path: Path) -> None:
    architectures = list(SPACE.enumerate())
    model = new_model()
    train(model, pack(architectures, SPACE.vocabulary), TRAINING, tmp_path, ignore)
    autoencoder = GraphAutoencoder(model, SPACE, torch.device("cpu"))
    decoded = autoencoder.decode(autoencoder.encode(architectures).mean)
    correct = sum(first == second for first, second in zip(decoded, architectures, strict=True))
    assert correct >= 0.95 * len(architectures)


def test_a_resumed_run_ends_as_an_unbroken_one(tmp_path: Path) -> None:
    graphs = pack(list(SPACE.enumerate()), SPACE.vocabulary)
    config = dataclasses.replace(TRAINING, num_steps=12, save_every=0.0)
    unbroken = new_model()
    train(unbroken, graphs, config, tmp_path / "unbroken", ignore, report_every=5)

    class Killed(Exception):
        pass

    def kill_at_ten(step: TrainingStep) -> None:
        if step.step == 10:
            raise Killed

    with pytest.raises(Killed):
        train(new_model(), graphs, config, tmp_path / "broken", kill_at_ten, report_every=5)
    resumed = new_model(seed=99)
    steps: list[int] = []
    train(resumed, graphs, config, tmp_path / "broken", lambda step: steps.append(step.step), report_every=5)
    assert min(steps) > 5
    for first, second in zip(unbroken.parameters(), resumed.parameters(), strict=True):
        torch.testing.assert_close(first, second, atol=0, rtol=0)


@pytest.mark.parametrize("change", [{"seed": 1}, {"num_steps": 9}, {"learning_rate": 1e-4}])
def test_the_state_of_another_run_is_refused(tmp_path: Path, change: dict) -> None:
    graphs = pack(list(SPACE.enumerate()), SPACE.vocabulary)
    config = dataclasses.replace(TRAINING, num_steps=3)
    train(new_model(), graphs, config, tmp_path, ignore)
    with pytest.raises(ForeignRun, match=f"differs in {next(iter(change))}; give this run another folder"):
        train(new_model(), graphs, dataclasses.replace(config, **change), tmp_path, ignore)
    with pytest.raises(ForeignRun, match="differs in data"):
        train(new_model(), graphs.select(torch.arange(36)), config, tmp_path, ignore)


def test_the_log_holds_a_line_for_each_report(tmp_path: Path) -> None:
    graphs = pack(list(SPACE.enumerate()), SPACE.vocabulary)
    reported: list[TrainingStep] = []
    train(new_model(), graphs, dataclasses.replace(TRAINING, num_steps=7), tmp_path, reported.append, report_every=3)
    lines = [json.loads(line) for line in (tmp_path / LOG_FILE).read_text().splitlines()]
    assert [line["step"] for line in lines] == [3, 6, 7]
    assert lines == [dataclasses.asdict(step) for step in reported]


def test_divergence_is_an_error(tmp_path: Path) -> None:
    graphs = pack(list(SPACE.enumerate()), SPACE.vocabulary)
    model = new_model()
    with torch.no_grad():
        model.decoder.node_output.bias.fill_(float("nan"))
    with pytest.raises(TrainingDiverged, match="learning rate"):
        train(model, graphs, dataclasses.replace(TRAINING, num_steps=3), tmp_path, ignore)


def test_the_rate_rises_and_then_falls() -> None:
    config = TrainingConfig(num_steps=100, learning_rate=1.0, warmup_steps=10)
    rates = [learning_rate(config, step) for step in range(100)]
    assert rates[0] < 0.11
    assert max(rates) == rates[9]
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert rates[-1] == pytest.approx(0.01)
