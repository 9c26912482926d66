import json
import math

import numpy as np
import pytest
import torch
from gpytorch.mlls import ExactMarginalLogLikelihood
from scipy.stats import lognorm, multivariate_normal, norm
from sklearn.gaussian_process.kernels import Matern

from models.search.fitting import negative_density
from models.search.process import Process, from_mapping, to_mapping
from models.search.surrogate import TrainingData

JSON_FORM = {"lengthscales": (1.0, 2.0, 3.0), "outputscale": (1.5,), "noise": (0.01,), "mean": (-0.2,)}
GROUPS = torch.arange(3)


def process() -> Process:
    found = from_mapping(JSON_FORM, GROUPS)
    assert found is not None
    return found


def points(n: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def test_the_covariance_is_that_of_scikit_learn() -> None:
    left, right = points(7), points(5, seed=1)
    expected = 1.5 * Matern(length_scale=[1.0, 2.0, 3.0], nu=2.5)(left.numpy(), right.numpy())
    np.testing.assert_allclose(process().covariance(left, right).numpy(), expected, atol=1e-12)
    np.testing.assert_allclose(process()(left).covariance_matrix.numpy(), process().covariance(left, left).numpy(), atol=1e-12)
    np.testing.assert_allclose(process()(left).mean.numpy(), -0.2)


@torch.no_grad()
def test_columns_of_a_group_share_a_length_scale() -> None:
    grouped = from_mapping(JSON_FORM | {"lengthscales": (0.5, 3.0)}, torch.tensor([1, 0, 1]))
    assert grouped is not None
    left, right = points(7), points(5, seed=1)
    expected = 1.5 * Matern(length_scale=[3.0, 0.5, 3.0], nu=2.5)(left.numpy(), right.numpy())
    np.testing.assert_allclose(grouped.covariance(left, right).numpy(), expected, atol=1e-12)
    np.testing.assert_allclose(grouped.covar_module(left, diag=True).numpy(), 1.5, atol=1e-8)


def test_the_covariance_has_gradients_where_points_coincide() -> None:
    x = points(4)[[0, 1, 1, 3]].requires_grad_()
    process().covariance(x, x).sum().backward()
    assert x.grad is not None
    assert bool(torch.isfinite(x.grad).all())


@torch.no_grad()
def test_the_density_is_that_of_gpytorch() -> None:
    current, x = process(), points(9)
    outcomes, ones = torch.cos(x.sum(1)), torch.ones(9, dtype=torch.float64)
    data = TrainingData(x, outcomes, ones, ones * torch.nan)
    exact = ExactMarginalLogLikelihood(current.likelihood, current)
    expected = -exact(current(x), outcomes, noise=data.noise_variance(current.likelihood.noise))
    torch.testing.assert_close(negative_density(current, data), expected)


@torch.no_grad()
def test_the_density_is_likelihood_times_priors() -> None:
    x, counts = points(6), torch.tensor([1.0, 4.0, 1.0, 1.0, 2.0, 1.0], dtype=torch.float64)
    known = torch.tensor([math.nan] * 5 + [0.3], dtype=torch.float64)
    outcomes = torch.sin(x.sum(1))
    noise = np.where(np.isnan(known.numpy()), 0.01 / counts.numpy(), known.numpy())
    covariance = 1.5 * Matern(length_scale=[1.0, 2.0, 3.0], nu=2.5)(x.numpy()) + np.diag(noise)
    expected = float(multivariate_normal(np.full(6, -0.2), covariance).logpdf(outcomes.numpy()))
    expected += sum(lognorm(1.0, scale=math.exp(2.0)).logpdf([1.0, 2.0, 3.0]))
    expected += lognorm(1.0, scale=math.exp(1.0)).logpdf(1.5) + lognorm(1.0, scale=math.exp(-4.0)).logpdf(0.01) + norm.logpdf(-0.2)
    density = negative_density(process(), TrainingData(x, outcomes, counts, known))
    assert -6.0 * float(density) == pytest.approx(expected, rel=1e-6)


def test_json_form_survives_a_round_trip() -> None:
    again = from_mapping(json.loads(json.dumps(JSON_FORM)), GROUPS)
    assert again is not None
    assert to_mapping(again) == {name: pytest.approx(value) for name, value in JSON_FORM.items()}


@pytest.mark.parametrize(
    "change",
    [
        {"lengthscales": (1.0, 2.0)},
        {"noise": ()},
        {"noise": (math.nan,)},
        {"outputscale": (-1.0,)},
        {"lengthscales": (1.0, math.inf, 1.0)},
    ],
)
def test_unusable_json_forms_start_afresh(change: dict[str, tuple[float, ...]]) -> None:
    assert from_mapping(JSON_FORM | change, GROUPS) is None
    assert from_mapping({}, GROUPS) is None
    assert from_mapping(None, GROUPS) is None


def test_values_out_of_bounds_are_brought_back() -> None:
    found = from_mapping(JSON_FORM | {"noise": (1e-9,), "lengthscales": (1e-9, 1e9, 1.0), "mean": (100.0,)}, GROUPS)
    assert found is not None
    values = to_mapping(found)
    assert values["noise"] == (pytest.approx(1e-4),)
    assert values["lengthscales"] == (pytest.approx(0.01), pytest.approx(1e4), pytest.approx(1.0))
    assert values["mean"] == (5.0,)
    assert from_mapping(values, GROUPS) is not None
