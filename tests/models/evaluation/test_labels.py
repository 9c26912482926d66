import numpy as np
import pytest

from models.datasets.measured import Measurements, UnknownMetric
from models.evaluation.labels import Labelled, NoFractions, as_fractions, choose_metric, labelled
from models.spaces.enas_macro import EnasMacro

KNOWN = list(EnasMacro(num_layers=2).enumerate())


def measured(rows: list[dict[str, float]]):  # type: ignore[no-untyped-def]
    found = Measurements()
    for architecture, values in zip(KNOWN, rows, strict=False):
        found.add(architecture, values)
    return found.build("a test")


def test_the_first_accuracy_is_taken_and_a_named_metric_wins() -> None:
    data = measured([{"seconds": 3.0, "cifar10_val": 91.0, "cifar10_test": 90.0}])
    assert choose_metric(data, None) == "cifar10_val"
    assert choose_metric(data, "cifar10_test") == "cifar10_test"
    with pytest.raises(UnknownMetric, match="choose one of seconds, cifar10_val, cifar10_test"):
        choose_metric(data, "speed")
    with pytest.raises(UnknownMetric, match="--metric"):
        choose_metric(measured([{"seconds": 3.0}]), None)


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["val_loss", "eval_seconds", "val_accuracy"], "val_accuracy"),
        (["test_error", "val", "top1Acc"], "top1Acc"),
        (["interval", "latest", "validTime", "valid"], "valid"),
        (["accumulated_time", "test_losses", "cifar10-test"], "cifar10-test"),
    ],
)
def test_a_loss_or_a_time_is_never_the_first_accuracy(names: list[str], chosen: str) -> None:
    assert choose_metric(measured([dict.fromkeys(names, 0.5)]), None) == chosen
    others = [name for name in names if name != chosen and "val" != name]
    with pytest.raises(UnknownMetric, match=f"{', '.join(others)} .*--metric"):
        choose_metric(measured([dict.fromkeys(others, 0.5)]), None)


def test_architectures_without_the_metric_are_left_out() -> None:
    data = labelled(measured([{"acc": 0.5}, {"other": 1.0}, {"acc": 0.7}]), "acc")
    assert data.architectures == (KNOWN[0], KNOWN[2])
    np.testing.assert_array_equal(data.values, [0.5, 0.7])
    assert data.take([1]).architectures == (KNOWN[2],)


def test_percentages_become_fractions_and_other_numbers_are_refused() -> None:
    def of(*values: float) -> Labelled:
        return Labelled(tuple(KNOWN[: len(values)]), np.array(values), "acc")

    np.testing.assert_allclose(as_fractions(of(91.0, 50.0)).values, [0.91, 0.5])
    np.testing.assert_allclose(as_fractions(of(0.91, 1.0)).values, [0.91, 1.0])
    for wrong in (of(-1.0, 0.5), of(8_000_000.0, 3.0)):
        with pytest.raises(NoFractions, match="acc"):
            as_fractions(wrong)
