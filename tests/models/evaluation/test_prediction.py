import numpy as np
import pytest

from models.datasets.measured import MeasuredArchitectures, Measurements
from models.evaluation.labels import Labelled, NoFractions, labelled
from models.evaluation.prediction import (
    Predicted,
    label_counts,
    predict_by_network,
    predict_by_process,
    require_fractions,
    split_labels,
)
from models.evaluation.scoring import score_by_network, score_by_process
from models.spaces.enas_macro import EnasMacro
from models.svge.finetuning import FineTuningConfig
from tests.models.svge.small import small_autoencoder

SPACE = EnasMacro()
QUICK = FineTuningConfig(num_epochs=6, batch_size=16, learning_rate=3e-3)


def measured(count: int) -> MeasuredArchitectures:
    """Accuracies in percent that fall with every pooling layer and rise with every skip."""
    rng, found = np.random.default_rng(0), Measurements()
    for _ in range(count):
        graph = SPACE.sample(rng)
        pooling = sum("pool" in label for label in graph.nodes)
        found.add(graph, {"acc": 90.0 - 4.0 * pooling + 0.2 * len(graph.edges)})
    return found.build("an invented measure")


@pytest.fixture(scope="module")
def halves() -> tuple[Labelled, Labelled]:
    return split_labels(measured(300), SPACE, "acc", seed=0)


def test_errors_and_ranks_are_those_of_their_definitions() -> None:
    one = Predicted(np.array([0.3, 0.1, 0.2, 0.0]), np.array([0.8, 0.9, 0.1, 0.2]))
    assert one.mse == pytest.approx((0.25 + 0.64 + 0.01 + 0.04) / 4)
    assert one.rmse(0.5) == pytest.approx(2.0 * one.mse**0.5)
    assert one.found == 0.8
    assert one.rank_percent == 50.0
    assert one.pearson_r == pytest.approx(np.corrcoef(one.predicted, one.true)[0, 1])
    assert Predicted(np.zeros(3), np.arange(3.0)).pearson_r == 0.0


def test_few_labels_are_halved_and_many_split_as_usual() -> None:
    train, test = split_labels(measured(250), SPACE, "acc", seed=0)
    assert (len(train.architectures), len(test.architectures)) == (125, 125)
    assert not set(train.architectures) & set(test.architectures)
    train, test = split_labels(measured(2100), SPACE, "acc", seed=0)
    assert (len(train.architectures), len(test.architectures)) == (1890, 210)


def test_labels_that_are_all_the_same_are_refused() -> None:
    rng, found = np.random.default_rng(0), Measurements()
    for _ in range(20):
        found.add(SPACE.sample(rng), {"acc": 0.5})
    with pytest.raises(ValueError, match="different values of 'acc' to train on, got only 0.5"):
        split_labels(found.build("constant"), SPACE, "acc", seed=0)
    with pytest.raises(ValueError, match="'acc' to train on, got none"):
        split_labels(measured(1), SPACE, "acc", seed=0)


def test_labels_that_are_no_fractions_are_refused_with_two_remedies(halves: tuple[Labelled, Labelled]) -> None:
    train, test = halves
    require_fractions(train, test)
    counts = Labelled(test.architectures, 1e6 * test.values, "parameters")
    with pytest.raises(NoFractions, match="'parameters'.*choose another.*--labels 0"):
        require_fractions(train, counts)


def test_the_number_of_labels_is_the_papers_or_what_there_is() -> None:
    assert label_counts(None, 17_000) == [1000]
    assert label_counts(None, 125) == [125]
    assert label_counts([0], 125) == []
    assert label_counts([10, 100], 125) == [10, 100]
    with pytest.raises(ValueError, match="at most the 125 labels"):
        label_counts([126], 125)


def test_the_process_predicts_an_invented_measure_from_an_untrained_encoder(halves: tuple[Labelled, Labelled]) -> None:
    train, test = halves
    runs = predict_by_process(small_autoencoder("enas_macro"), train, test, seeds=[0])
    assert runs.num_labels == 150
    assert runs.test[0].pearson_r > 0.7
    assert runs.test[0].true is test.values


def test_the_network_predicts_fractions_and_leaves_the_autoencoder_alone(halves: tuple[Labelled, Labelled]) -> None:
    train, test = halves
    autoencoder = small_autoencoder("enas_macro")
    before = autoencoder.encode(test.architectures).mean
    runs = predict_by_network(autoencoder, train, test, 100, [0, 1], QUICK)
    assert len(runs.test) == 2
    assert runs.num_labels == 100
    np.testing.assert_allclose(runs.test[0].true, test.values / 100.0)
    assert runs.test[0].pearson_r > 0.5
    assert not np.array_equal(runs.test[0].predicted, runs.test[1].predicted)
    assert (autoencoder.encode(test.architectures).mean == before).all()


@pytest.mark.parametrize("score_by", [score_by_process, score_by_network])
def test_scores_order_new_architectures(score_by, halves: tuple[Labelled, Labelled], monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("models.evaluation.scoring.FineTuningConfig", lambda seed: QUICK)
    train, test = halves
    scores = score_by(small_autoencoder("enas_macro"), train, 0)(test.architectures)
    assert np.corrcoef(scores, test.values)[0, 1] > 0.5


def test_labels_of_another_metric_are_kept_apart() -> None:
    found = Measurements()
    graph = SPACE.sample(np.random.default_rng(0))
    found.add(graph, {"acc": 0.5, "size": 3.0})
    assert labelled(found.build("one"), "size").values.tolist() == [3.0]
