import math

import numpy as np
import pytest
import torch
from botorch.acquisition import LogExpectedImprovement, qLogExpectedImprovement
from botorch.acquisition.objective import ScalarizedPosteriorTransform
from botorch.sampling import SobolQMCNormalSampler
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern
from torch import Tensor

from models.search.process import Process, from_mapping
from models.search.surrogate import CHUNK, NotPositiveDefinite, Surrogate, TrainingData, condition

D = 3
LENGTHSCALE = (0.8, 1.5, 3.0)


def process() -> Process:
    found = from_mapping({"lengthscales": LENGTHSCALE, "outputscale": (1.7,), "noise": (0.05,), "mean": (0.3,)}, torch.arange(D))
    assert found is not None
    return found


def surrogate_of(training: TrainingData, num_inducing: int | None = None) -> Surrogate:
    return condition(training, training.points[:num_inducing], process())


def data(n: int = 20, seed: int = 0) -> TrainingData:
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(n, D, dtype=torch.float64, generator=generator)
    outcomes = torch.sin(points.sum(1)) + 0.1 * torch.randn(n, dtype=torch.float64, generator=generator)
    counts = torch.ones(n, dtype=torch.float64)
    counts[:3] = 4.0
    known = torch.full((n,), math.nan, dtype=torch.float64)
    known[-3:] = 0.2
    return TrainingData(points, outcomes, counts, known)


def kernel(left: Tensor, right: Tensor) -> np.ndarray:
    covariance: np.ndarray = 1.7 * Matern(length_scale=LENGTHSCALE, nu=2.5)(left.numpy(), right.numpy())
    return covariance


def noise(training: TrainingData) -> np.ndarray:
    known = training.known_variance.numpy()
    return np.where(np.isnan(known), 0.05 / training.counts.numpy(), known)


class DenseFitc:
    """FITC by its definition: the exact process with the covariance `Q + diag(K - Q)`, no matrix identities."""

    def __init__(self, training: TrainingData, inducing: Tensor) -> None:
        self.inducing, self.training = inducing, training
        self.inverse = np.linalg.inv(kernel(inducing, inducing) + 1e-6 * 1.7 * np.eye(len(inducing)))
        q = self.low_rank(training.points, training.points)
        self.covariance = q + np.diag(np.diag(kernel(training.points, training.points) - q)) + np.diag(noise(training))

    def low_rank(self, left: Tensor, right: Tensor) -> np.ndarray:
        result: np.ndarray = kernel(left, self.inducing) @ self.inverse @ kernel(self.inducing, right)
        return result

    def posterior(self, points: Tensor) -> tuple[np.ndarray, np.ndarray]:
        cross = self.low_rank(points, self.training.points)
        mean = 0.3 + cross @ np.linalg.solve(self.covariance, self.training.outcomes.numpy() - 0.3)
        return mean, kernel(points, points) - cross @ np.linalg.solve(self.covariance, cross.T)


@pytest.mark.parametrize("num_inducing", [1, 6, 20])
def test_agrees_with_the_dense_definition(num_inducing: int) -> None:
    training, points = data(), data(9, seed=1).points
    expected_mean, expected = DenseFitc(training, training.points[:num_inducing]).posterior(points)
    posterior = surrogate_of(training, num_inducing).posterior(points)
    np.testing.assert_allclose(posterior.mean[:, 0].numpy(), expected_mean, atol=1e-6)
    np.testing.assert_allclose(posterior.distribution.covariance_matrix.numpy(), expected, atol=1e-6)
    mean, variance = surrogate_of(training, num_inducing).moments(points)
    np.testing.assert_allclose(mean.numpy(), expected_mean, atol=1e-6)
    np.testing.assert_allclose(variance.numpy(), np.diag(expected), atol=1e-6)


def test_with_all_data_inducing_it_is_the_exact_process() -> None:
    training = data()
    exact = GaussianProcessRegressor(ConstantKernel(1.7) * Matern(LENGTHSCALE, nu=2.5), alpha=noise(training), optimizer=None)
    exact.fit(training.points.numpy(), training.outcomes.numpy() - 0.3)
    points = data(9, seed=1).points
    mean, variance = surrogate_of(training).moments(points)
    expected_mean, expected_std = exact.predict(points.numpy(), return_std=True)
    np.testing.assert_allclose(mean.numpy(), expected_mean + 0.3, atol=1e-4)
    np.testing.assert_allclose(variance.sqrt().numpy(), expected_std, atol=1e-4)


def test_a_batch_of_sets_of_points_has_a_joint_distribution_each() -> None:
    surrogate, points = surrogate_of(data(), 6), data(12, seed=1).points.view(2, 2, 3, D)
    posterior = surrogate.posterior(points)
    assert posterior.mean.shape == (2, 2, 3, 1)
    alone = surrogate.posterior(points[1, 0])
    torch.testing.assert_close(posterior.mean[1, 0], alone.mean)
    torch.testing.assert_close(posterior.distribution.covariance_matrix[1, 0], alone.distribution.covariance_matrix)


def test_observation_noise_adds_to_the_variance() -> None:
    surrogate, points = surrogate_of(data(), 6), data(4, seed=1).points
    plain = surrogate.posterior(points).variance
    torch.testing.assert_close(surrogate.posterior(points, observation_noise=True).variance, plain + 0.05)
    given = torch.tensor([[0.1], [0.2], [0.3], [0.4]], dtype=torch.float64)
    torch.testing.assert_close(surrogate.posterior(points, observation_noise=given).variance, plain + given)


def test_botorchs_monte_carlo_acquisition_agrees_with_the_analytic_one() -> None:
    surrogate, points = surrogate_of(data()), data(5, seed=1).points[:, None]
    with torch.random.fork_rng():
        sampled = qLogExpectedImprovement(surrogate, -0.5, SobolQMCNormalSampler(torch.Size([4096]), seed=0))(points)
        transformed = LogExpectedImprovement(surrogate, 0.5, ScalarizedPosteriorTransform(-torch.ones(1)), maximize=False)(points)
    exact = LogExpectedImprovement(surrogate, -0.5)(points)
    torch.testing.assert_close(sampled, exact, atol=0.05, rtol=0.0)
    torch.testing.assert_close(transformed, exact)


def test_moments_gradient() -> None:
    training = data(8)
    surrogate = surrogate_of(training)
    assert torch.autograd.gradcheck(surrogate.moments, (data(3, seed=1).points.requires_grad_(),), atol=1e-4)


def test_predictions_do_not_depend_on_chunks() -> None:
    training = data()
    surrogate = surrogate_of(training)
    points = data(CHUNK + 5, seed=2).points
    mean, variance = surrogate.moments(points)
    last_mean, last_variance = surrogate.moments(points[-7:])
    torch.testing.assert_close(mean[-7:], last_mean)
    torch.testing.assert_close(variance[-7:], last_variance)


def test_far_away_the_prior_returns() -> None:
    training = data()
    mean, variance = surrogate_of(training).moments(torch.full((1, D), 1e3, dtype=torch.float64))
    assert float(mean) == pytest.approx(0.3)
    assert float(variance) == pytest.approx(1.7)


def test_replicates_make_an_outcome_surer() -> None:
    training = data()
    fewer = training._replace(counts=torch.ones_like(training.counts))
    _, variance = surrogate_of(training).moments(training.points[:3])
    _, larger = surrogate_of(fewer).moments(training.points[:3])
    assert bool((variance < larger).all())


def test_coinciding_points_are_no_obstacle() -> None:
    training = data(6)
    doubled = TrainingData(*(torch.cat([column, column]) for column in training))
    mean, variance = surrogate_of(doubled).moments(training.points)
    assert bool(torch.isfinite(mean).all())
    assert bool((variance > 0.0).all())


def test_a_hopeless_covariance_is_refused() -> None:
    training = data(4)
    with pytest.raises(NotPositiveDefinite, match="a 4 x 4 covariance is not positive definite"):
        condition(training, training.points * torch.nan, process())
