import math

import pytest
import torch
from botorch.acquisition import LogExpectedImprovement, UpperConfidenceBound
from scipy.integrate import quad
from scipy.stats import norm

from models.search.acquisition import CONFIDENCE, log_expected_improvement, upper_confidence_bound
from tests.models.search.test_batch import BEST, CANDIDATES, SURROGATE


@pytest.mark.parametrize(("mean", "std"), [(0.4, 0.5), (2.0, 0.01), (-1.0, 0.8), (-2.0, 0.3)])
def test_the_expected_improvement_is_an_integral(mean: float, std: float) -> None:
    expected, _ = quad(lambda f: (f - BEST) * norm.pdf(f, mean, std), BEST, max(mean, BEST) + 12.0 * std, epsabs=0.0)
    moments = torch.tensor([mean, std**2], dtype=torch.float64)
    assert float(log_expected_improvement(moments[0], moments[1], BEST)) == pytest.approx(math.log(expected), rel=1e-9)


def test_the_expected_improvement_is_that_of_botorch_for_the_model() -> None:
    values = log_expected_improvement(*SURROGATE.moments(CANDIDATES), BEST)
    torch.testing.assert_close(values, LogExpectedImprovement(SURROGATE, BEST)(CANDIDATES[:, None]))


def test_the_confidence_bound_is_that_of_botorch_for_the_model() -> None:
    values = upper_confidence_bound(*SURROGATE.moments(CANDIDATES), BEST)
    torch.testing.assert_close(values, UpperConfidenceBound(SURROGATE, beta=CONFIDENCE**2)(CANDIDATES[:, None]))
