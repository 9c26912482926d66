import pytest
import torch

from models.evaluation.regression import ExactRegression, fit_regression
from models.evaluation.sparse_regression import RegressionConfig, SparseRegression, fit_sparse

QUICK = RegressionConfig(num_steps=60, batch_size=150, num_inducing=40)


def function(points: torch.Tensor) -> torch.Tensor:
    return 7.0 + 0.01 * (torch.sin(2.0 * points[:, 0]) + points[:, 1])


def data(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    points = torch.randn(count, 3, generator=torch.Generator().manual_seed(seed))
    return points, function(points).double()


def test_a_smooth_function_is_learned_in_its_own_unit() -> None:
    points, outcomes = data(600, 0)
    new_points, expected = data(200, 1)
    regression = fit_sparse(points, outcomes, 0, QUICK)
    error = (regression.predict(new_points) - expected).square().mean().sqrt()
    assert error < 0.25 * expected.std()


def test_equal_seeds_give_equal_fits() -> None:
    points, outcomes = data(300, 0)
    short = RegressionConfig(num_steps=5, num_inducing=20)
    first, second, other = (fit_sparse(points, outcomes, seed, short).predict(points) for seed in (0, 0, 1))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_few_points_go_to_the_exact_process_and_many_to_the_sparse_one(monkeypatch: pytest.MonkeyPatch) -> None:
    few = fit_regression(*data(40, 0), seed=0)
    assert isinstance(few, ExactRegression)
    new_points, expected = data(100, 1)
    assert (few.predict(new_points) - expected).square().mean().sqrt() < 0.5 * expected.std()
    monkeypatch.setattr("models.evaluation.sparse_regression.RegressionConfig", lambda: RegressionConfig(num_steps=2))
    assert isinstance(fit_regression(*data(501, 0), seed=0), SparseRegression)


@pytest.mark.parametrize("count", [1, 40, 501])
def test_outcomes_that_are_not_finite_and_a_single_one_are_refused(count: int) -> None:
    points, outcomes = data(count, 0)
    outcomes[0] = torch.nan
    with pytest.raises(ValueError, match="at least 2 points with finite outcomes"):
        fit_regression(points, outcomes, seed=0)
