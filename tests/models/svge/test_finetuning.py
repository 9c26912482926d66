import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from models.spaces.registry import get_space
from models.svge.finetuning import FineTuned, FineTuningConfig, TooFewLabels, fine_tune, joint_loss
from models.svge.packing import PackedGraphs, pack
from models.svge.predictor import PerformancePredictor
from tests.models.svge.small import small_model

SPACE = get_space("enas_macro")
CONFIG = FineTuningConfig(num_epochs=25, batch_size=16, learning_rate=3e-3)


def labelled(count: int, seed: int = 0) -> tuple[PackedGraphs, torch.Tensor]:
    """Graphs and a simple property of each as its accuracy: the share of pooling layers and of skips."""
    rng = np.random.default_rng(seed)
    graphs = pack([SPACE.sample(rng) for _ in range(count)], SPACE.vocabulary)
    pooling = (graphs.types >= 6).float().mean(dim=1)
    return graphs, 0.7 + 0.2 * pooling + 0.001 * graphs.adjacency.sum(dim=(1, 2))


def tune(config: FineTuningConfig = CONFIG, count: int = 160) -> FineTuned:
    graphs, accuracies = labelled(count)
    return fine_tune(small_model("enas_macro"), graphs, accuracies, config, lambda epoch: None)


def test_a_property_of_the_graph_is_learned_and_predicted_for_new_graphs() -> None:
    tuned = tune()
    graphs, accuracies = labelled(200, seed=1)
    error = torch.nn.functional.mse_loss(tuned.predict(graphs), accuracies)
    assert error < 0.3 * accuracies.var()


def test_the_model_that_was_given_is_not_changed() -> None:
    model = small_model("enas_macro")
    before = copy.deepcopy(model.state_dict())
    graphs, accuracies = labelled(40)
    tuned = fine_tune(model, graphs, accuracies, replace(CONFIG, num_epochs=2), lambda epoch: None)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])
    changed = [name for name, value in tuned.model.state_dict().items() if not torch.equal(value, before[name])]
    assert any(name.startswith("encoder") for name in changed)
    assert any(name.startswith("decoder") for name in changed)


def test_equal_seeds_give_equal_results_and_others_do_not() -> None:
    graphs, _ = labelled(20, seed=2)
    short = replace(CONFIG, num_epochs=2)
    first, second, other = (tune(config, 60).predict(graphs) for config in (short, short, replace(short, seed=1)))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_the_best_epoch_is_kept_and_training_stops_after_it() -> None:
    heard = []
    graphs, accuracies = labelled(60)
    noisy = (accuracies + 0.2 * torch.rand(60, generator=torch.Generator().manual_seed(0))).clamp(0.0, 1.0)
    config = replace(CONFIG, num_epochs=60, patience=4)
    tuned = fine_tune(small_model("enas_macro"), graphs, noisy, config, heard.append)
    errors = [epoch.validation_mse for epoch in tuned.epochs]
    assert heard == list(tuned.epochs)
    assert len(errors) == errors.index(min(errors)) + 1 + config.patience
    order = torch.randperm(60, generator=torch.Generator().manual_seed(config.seed))[:6]
    kept = torch.nn.functional.mse_loss(tuned.predict(graphs)[order], noisy[order])
    assert float(kept) == pytest.approx(min(errors), rel=1e-4)


def test_the_loss_is_the_weighted_sum_of_equation_18() -> None:
    model, (graphs, accuracies) = small_model("enas_macro").eval(), labelled(10)
    predictor = PerformancePredictor(model.config.latent_size, 0.8, 0.1)
    config = FineTuningConfig(reconstruction_share=0.3)
    loss, error = joint_loss(model, predictor, graphs, accuracies, config, torch.Generator().manual_seed(5))
    parts = model(graphs, torch.Generator().manual_seed(5))
    reconstruction = parts.nodes + parts.edges + model.config.kl_weight * parts.kl
    expected = ((predictor(model.encode(graphs).mean) - accuracies) ** 2).mean()
    torch.testing.assert_close(error, expected)
    torch.testing.assert_close(loss, 0.3 * reconstruction + 0.7 * expected)


def test_percentages_and_too_few_labels_are_refused() -> None:
    graphs, accuracies = labelled(10)
    with pytest.raises(ValueError, match="divide percentages by 100"):
        fine_tune(small_model("enas_macro"), graphs, 100.0 * accuracies, CONFIG, lambda epoch: None)
    with pytest.raises(TooFewLabels, match="got 3"):
        fine_tune(small_model("enas_macro"), graphs.select(torch.arange(3)), accuracies[:3], CONFIG, lambda epoch: None)
    with pytest.raises(ValueError, match="9 for 10 graphs"):
        fine_tune(small_model("enas_macro"), graphs, accuracies[:9], CONFIG, lambda epoch: None)
