"""Training: it learns, it resumes exactly, and it says so when it fails."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from models.autoencoders.autoencoder import GraphAutoencoder
from models.spaces.enas_macro import EnasMacro
from models.svge.config import SVGeConfig
from models.svge.datasets import sample_distinct
from models.svge.model import SVGe
from models.svge.packing import pack
from models.svge.run_folder import LOG_FILE, STATE_FILE, ForeignRun
from models.svge.training import TrainingConfig, TrainingData, TrainingDiverged, TrainingStep, schedule, train
from models.svge.triplets import find_positives

SPACE = EnasMacro(num_layers=2)
CONFIG = SVGeConfig(node_size=32, message_size=32, hidden_size=32, latent_size=16)
TRAINING = TrainingConfig(num_steps=400, batch_size=36, learning_rate=5e-3, warmup_steps=20, precision="float32")


def new_model(seed: int = 0) -> SVGe:
    torch.manual_seed(seed)
    return SVGe(CONFIG, SPACE.vocabulary)


def ignore(step: TrainingStep) -> None:
    pass


def test_a_small_space_is_learnt_by_heart(tmp_path: Path) -> None:
    architectures = list(SPACE.enumerate())
    model = new_model()
    train(model, TrainingData(pack(architectures, SPACE.vocabulary)), TRAINING, tmp_path, ignore)
    autoencoder = GraphAutoencoder(model, SPACE, torch.device("cpu"))
    decoded = autoencoder.decode(autoencoder.encode(architectures).mean)
    correct = sum(first == second for first, second in zip(decoded, architectures, strict=True))
    assert correct >= 0.95 * len(architectures)


def test_a_resumed_run_ends_as_an_unbroken_one(tmp_path: Path) -> None:
    data = TrainingData(pack(list(SPACE.enumerate()), SPACE.vocabulary))
    config = dataclasses.replace(TRAINING, num_steps=12, save_every=0.0)
    unbroken = new_model()
    train(unbroken, data, config, tmp_path / "unbroken", ignore, report_every=5)

    class Killed(Exception):
        pass

    def kill_at_ten(step: TrainingStep) -> None:
        if step.step == 10:
            raise Killed

    with pytest.raises(Killed):
        train(new_model(), data, config, tmp_path / "broken", kill_at_ten, report_every=5)
    resumed = new_model(seed=99)
    steps: list[int] = []
    train(resumed, data, config, tmp_path / "broken", lambda step: steps.append(step.step), report_every=5)
    assert min(steps) > 5
    for first, second in zip(unbroken.parameters(), resumed.parameters(), strict=True):
        torch.testing.assert_close(first, second, atol=0, rtol=0)


@pytest.mark.parametrize("change", [{"seed": 1}, {"num_steps": 9}, {"learning_rate": 1e-4}])
def test_the_state_of_another_run_is_refused(tmp_path: Path, change: dict) -> None:
    data = TrainingData(pack(list(SPACE.enumerate()), SPACE.vocabulary))
    config = dataclasses.replace(TRAINING, num_steps=3)
    train(new_model(), data, config, tmp_path, ignore)
    with pytest.raises(ForeignRun, match=f"differs in {next(iter(change))}; give this run another folder"):
        train(new_model(), data, dataclasses.replace(config, **change), tmp_path, ignore)
    with pytest.raises(ForeignRun, match="differs in data"):
        train(new_model(), TrainingData(data.graphs.select(torch.arange(36))), config, tmp_path, ignore)


def test_the_log_holds_a_line_for_each_report(tmp_path: Path) -> None:
    data = TrainingData(pack(list(SPACE.enumerate()), SPACE.vocabulary))
    reported: list[TrainingStep] = []
    train(new_model(), data, dataclasses.replace(TRAINING, num_steps=7), tmp_path, reported.append, report_every=3)
    lines = [json.loads(line) for line in (tmp_path / LOG_FILE).read_text().splitlines()]
    assert [line["step"] for line in lines] == [3, 6, 7]
    assert lines == [{name: value for name, value in dataclasses.asdict(step).items() if value is not None} for step in reported]


def test_divergence_is_an_error(tmp_path: Path) -> None:
    data = TrainingData(pack(list(SPACE.enumerate()), SPACE.vocabulary))
    model = new_model()
    with torch.no_grad():
        model.decoder.node_output.bias.fill_(float("nan"))
    with pytest.raises(TrainingDiverged, match="learning rate"):
        train(model, data, dataclasses.replace(TRAINING, num_steps=3), tmp_path, ignore)


def test_the_rates_rise_and_then_fall() -> None:
    config = TrainingConfig(num_steps=100, warmup_steps=10)
    scales = [schedule(config, step) for step in range(100)]
    assert scales[0] < 0.11
    assert max(scales) == scales[9]
    assert scales[9:] == sorted(scales[9:], reverse=True)
    assert scales[-1] == pytest.approx(0.01)


def test_a_run_that_gets_no_better_ends_with_its_best_weights(tmp_path: Path) -> None:
    graphs = pack(list(SPACE.enumerate()), SPACE.vocabulary)
    data = TrainingData(graphs.select(torch.arange(36)), graphs.select(torch.arange(36, 72)))
    config = dataclasses.replace(TRAINING, validate_every=5, patience=2)
    reported: list[TrainingStep] = []
    model = new_model()
    train(model, data, config, tmp_path, reported.append)
    losses = [step.validation for step in reported if step.validation is not None]
    assert reported[-1].step < config.num_steps
    assert len(losses) - 1 - losses.index(min(losses)) == 2
    model.eval()
    with torch.no_grad():
        found = model(data.validation, torch.Generator().manual_seed(config.seed)).total
    assert float(found) == pytest.approx(min(losses), rel=1e-5)


def test_a_stopped_run_keeps_its_best_weights_when_it_is_called_again(tmp_path: Path) -> None:
    graphs = pack(list(SPACE.enumerate()), SPACE.vocabulary)
    data = TrainingData(graphs.select(torch.arange(36)), graphs.select(torch.arange(36, 72)))
    config = dataclasses.replace(TRAINING, num_steps=30, validate_every=5, patience=2)
    first, again = new_model(), new_model(seed=1)
    train(first, data, config, tmp_path, ignore)
    train(again, data, config, tmp_path, ignore)
    for one, other in zip(first.parameters(), again.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=0, rtol=0)


def test_triplets_bring_similar_graphs_nearer(tmp_path: Path) -> None:
    space = EnasMacro(num_layers=4)
    architectures = sample_distinct(space, 300, np.random.default_rng(0))
    source = find_positives(architectures, [], space, 0, lambda done: None)
    config = dataclasses.replace(TRAINING, num_steps=150, batch_size=50, triplet_share=0.9, triplet_margin=20.0)
    reported: list[TrainingStep] = []
    torch.manual_seed(0)
    train(SVGe(CONFIG, space.vocabulary), TrainingData(source.graphs, triplets=source), config, tmp_path, reported.append, 10)
    assert reported[0].triplet is not None
    assert reported[-1].triplet is not None
    assert reported[-1].triplet < 0.5 * reported[0].triplet


def test_event_files_hold_what_the_log_holds(tmp_path: Path) -> None:
    data = TrainingData(pack(list(SPACE.enumerate()), SPACE.vocabulary))
    train(new_model(), data, dataclasses.replace(TRAINING, num_steps=4), tmp_path, ignore, report_every=2, tensorboard=True)
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    lines = [json.loads(line) for line in (tmp_path / LOG_FILE).read_text().splitlines()]
    assert [(event.step, pytest.approx(event.value)) for event in events.Scalars("total")] == [
        (line["step"], line["total"]) for line in lines
    ]


def test_a_damaged_state_is_refused(tmp_path: Path) -> None:
    data = TrainingData(pack(list(SPACE.enumerate()), SPACE.vocabulary))
    (tmp_path / STATE_FILE).write_bytes(b"not a state")
    with pytest.raises(ForeignRun, match="delete it or name another folder"):
        train(new_model(), data, dataclasses.replace(TRAINING, num_steps=3), tmp_path, ignore)


def test_a_batch_is_never_more_than_all_graphs(tmp_path: Path) -> None:
    data = TrainingData(pack(list(SPACE.enumerate())[:7], SPACE.vocabulary))
    reported: list[TrainingStep] = []
    train(new_model(), data, dataclasses.replace(TRAINING, num_steps=4, batch_size=10**9), tmp_path, reported.append)
    assert reported[-1].graphs_per_second < 10**6
