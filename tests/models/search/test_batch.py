import math

import pytest
import torch
from botorch.acquisition import LogExpectedImprovement
from scipy.integrate import quad
from scipy.stats import norm
from torch import Tensor

from models.search.batch import choose_batch, log_expected_improvement
from models.search.process import Process
from models.search.surrogate import Surrogate, TrainingData, condition

BEST = 0.5


def points(n: int, seed: int) -> Tensor:
    return 2.0 * torch.randn(n, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def training(x: Tensor, y: Tensor) -> TrainingData:
    return TrainingData(x, y, torch.ones(len(x), dtype=torch.float64), torch.full((len(x),), math.nan, dtype=torch.float64))


def surrogate_of(x: Tensor, y: Tensor) -> Surrogate:
    return condition(training(x, y), x, Process(2, lengthscale_factor=1.0))


X = points(12, seed=0)
Y = torch.sin(X.sum(1))
SURROGATE = surrogate_of(X, Y)
CANDIDATES = points(200, seed=1)
NONE = torch.zeros(0, 2, dtype=torch.float64)


@pytest.mark.parametrize(("mean", "std"), [(0.4, 0.5), (2.0, 0.01), (-1.0, 0.8), (-2.0, 0.3)])
def test_the_expected_improvement_is_an_integral(mean: float, std: float) -> None:
    expected, _ = quad(lambda f: (f - BEST) * norm.pdf(f, mean, std), BEST, max(mean, BEST) + 12.0 * std, epsabs=0.0)
    moments = torch.tensor([mean, std**2], dtype=torch.float64)
    assert float(log_expected_improvement(moments[0], moments[1], BEST)) == pytest.approx(math.log(expected), rel=1e-9)


def test_the_expected_improvement_is_that_of_botorch_for_the_model() -> None:
    values = log_expected_improvement(*SURROGATE.moments(CANDIDATES), BEST)
    torch.testing.assert_close(values, LogExpectedImprovement(SURROGATE, BEST)(CANDIDATES[:, None]))


def test_a_single_choice_has_the_greatest_expected_improvement() -> None:
    (choice,) = choose_batch(SURROGATE, CANDIDATES, NONE, BEST, 1)
    mean, variance = SURROGATE.moments(CANDIDATES)
    values = log_expected_improvement(mean, variance, BEST)
    assert choice.place == int(values.argmax())
    assert choice.value == pytest.approx(float(values.max()))
    assert choice.mean == pytest.approx(float(mean[choice.place]))
    assert choice.std == pytest.approx(float(variance[choice.place].sqrt()))


def test_choices_are_distinct_and_as_many_as_there_are() -> None:
    assert len({choice.place for choice in choose_batch(SURROGATE, CANDIDATES, NONE, BEST, 50)}) == 50
    assert sorted(choice.place for choice in choose_batch(SURROGATE, CANDIDATES[:7], NONE, BEST, 10)) == list(range(7))
    assert choose_batch(SURROGATE, NONE, CANDIDATES[:3], BEST, 4) == []


def test_each_choice_is_that_of_a_process_given_the_fantasies_before_it() -> None:
    pending = points(3, seed=2)
    choices = choose_batch(SURROGATE, CANDIDATES, pending, BEST, 6)
    fantasies, best = pending, max(BEST, float(SURROGATE.moments(pending)[0].max()))
    for choice in choices:
        believed = torch.cat([Y, SURROGATE.moments(fantasies)[0]])
        refitted = surrogate_of(torch.cat([X, fantasies]), believed)
        mean, variance = refitted.moments(CANDIDATES)
        values = log_expected_improvement(mean, variance, best)
        values[[earlier.place for earlier in choices[: choices.index(choice)]]] = -torch.inf
        assert choice.value == pytest.approx(float(values.max()), abs=0.02)
        fantasies = torch.cat([fantasies, CANDIDATES[choice.place : choice.place + 1]])
        best = max(best, choice.mean)


def test_running_trials_drive_the_choice_away() -> None:
    (alone,) = choose_batch(SURROGATE, CANDIDATES, NONE, BEST, 1)
    running = CANDIDATES[alone.place : alone.place + 1]
    (beside,) = choose_batch(SURROGATE, CANDIDATES, running, BEST, 1)
    assert beside.place != alone.place
    assert beside.value < alone.value


def test_values_fall_along_the_batch() -> None:
    values = [choice.value for choice in choose_batch(SURROGATE, CANDIDATES, NONE, BEST, 20)]
    assert values == sorted(values, reverse=True)


def test_a_batch_spreads_further_than_the_best_candidates() -> None:
    mean, variance = SURROGATE.moments(CANDIDATES)
    top = log_expected_improvement(mean, variance, BEST).topk(8).indices
    chosen = torch.tensor([choice.place for choice in choose_batch(SURROGATE, CANDIDATES, NONE, BEST, 8)])
    assert float(torch.pdist(CANDIDATES[chosen]).mean()) > float(torch.pdist(CANDIDATES[top]).mean())
