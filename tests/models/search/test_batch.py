import math

import pytest
import torch
from torch import Tensor

from models.search.acquisition import log_expected_improvement, upper_confidence_bound
from models.search.batch import Choice, choose_best, choose_by_samples, choose_greedily
from models.search.process import Process
from models.search.surrogate import Surrogate, TrainingData, condition

BEST = 0.5


def points(n: int, seed: int) -> Tensor:
    return 2.0 * torch.randn(n, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def training(x: Tensor, y: Tensor) -> TrainingData:
    return TrainingData(x, y, torch.ones(len(x), dtype=torch.float64), torch.full((len(x),), math.nan, dtype=torch.float64))


def surrogate_of(x: Tensor, y: Tensor) -> Surrogate:
    return condition(training(x, y), x, Process(torch.arange(2), lengthscale=1.4))


X = points(12, seed=0)
Y = torch.sin(X.sum(1))
SURROGATE = surrogate_of(X, Y)
CANDIDATES = points(200, seed=1)
NONE = torch.zeros(0, 2, dtype=torch.float64)


def choose(surrogate: Surrogate, candidates: Tensor, pending: Tensor, best: float, count: int) -> list[Choice]:
    return choose_greedily(surrogate, candidates, pending, best, count, log_expected_improvement)


def test_a_single_choice_has_the_greatest_expected_improvement() -> None:
    (choice,) = choose(SURROGATE, CANDIDATES, NONE, BEST, 1)
    mean, variance = SURROGATE.moments(CANDIDATES)
    values = log_expected_improvement(mean, variance, BEST)
    assert choice.place == int(values.argmax())
    assert choice.value == pytest.approx(float(values.max()))
    assert choice.mean == pytest.approx(float(mean[choice.place]))
    assert choice.std == pytest.approx(float(variance[choice.place].sqrt()))


def test_choices_are_distinct_and_as_many_as_there_are() -> None:
    assert len({choice.place for choice in choose(SURROGATE, CANDIDATES, NONE, BEST, 50)}) == 50
    assert sorted(choice.place for choice in choose(SURROGATE, CANDIDATES[:7], NONE, BEST, 10)) == list(range(7))
    assert choose(SURROGATE, NONE, CANDIDATES[:3], BEST, 4) == []


def test_each_choice_is_that_of_a_process_given_the_fantasies_before_it() -> None:
    pending = points(3, seed=2)
    choices = choose(SURROGATE, CANDIDATES, pending, BEST, 6)
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
    (alone,) = choose(SURROGATE, CANDIDATES, NONE, BEST, 1)
    running = CANDIDATES[alone.place : alone.place + 1]
    (beside,) = choose(SURROGATE, CANDIDATES, running, BEST, 1)
    assert beside.place != alone.place
    assert beside.value < alone.value


def test_values_fall_along_the_batch() -> None:
    values = [choice.value for choice in choose(SURROGATE, CANDIDATES, NONE, BEST, 20)]
    assert values == sorted(values, reverse=True)


def test_a_batch_spreads_further_than_the_best_candidates() -> None:
    mean, variance = SURROGATE.moments(CANDIDATES)
    top = log_expected_improvement(mean, variance, BEST).topk(8).indices
    chosen = torch.tensor([choice.place for choice in choose(SURROGATE, CANDIDATES, NONE, BEST, 8)])
    assert float(torch.pdist(CANDIDATES[chosen]).mean()) > float(torch.pdist(CANDIDATES[top]).mean())


def test_the_confidence_bound_of_a_batch_falls_where_something_is_believed() -> None:
    choices = choose_greedily(SURROGATE, CANDIDATES, NONE, BEST, 5, upper_confidence_bound)
    mean, variance = SURROGATE.moments(CANDIDATES)
    assert choices[0].value == pytest.approx(float((mean + 2.0 * variance.sqrt()).max()))
    assert [choice.value for choice in choices] == sorted((choice.value for choice in choices), reverse=True)


def test_samples_choose_by_the_posterior() -> None:
    """How often each of three candidates is the best of a sample is known for independent normal distributions."""
    far = torch.tensor([[90.0, 0.0], [0.0, 90.0], [-90.0, -90.0]], dtype=torch.float64)  # the prior holds there: alike
    counts = torch.zeros(3)
    for seed in range(300):
        (choice,) = choose_by_samples(SURROGATE, far, 1, torch.Generator().manual_seed(seed))
        counts[choice.place] += 1
    assert bool((counts > 70).all())
    sure = torch.cat([X[Y.argmax()][None], X[Y.argmin()][None]])
    assert {choose_by_samples(SURROGATE, sure, 1, torch.Generator().manual_seed(seed))[0].place for seed in range(20)} == {0}


def test_samples_give_distinct_choices_from_the_generator() -> None:
    def places(seed: int, count: int) -> list[int]:
        return [choice.place for choice in choose_by_samples(SURROGATE, CANDIDATES, count, torch.Generator().manual_seed(seed))]

    assert len(set(places(0, 30))) == 30
    assert places(1, 5) == places(1, 5) != places(2, 5)
    assert sorted(choice.place for choice in choose_by_samples(SURROGATE, X, 99, torch.Generator().manual_seed(0))) == [*range(12)]
    assert choose_by_samples(SURROGATE, NONE, 3, torch.Generator()) == []


def test_the_best_scores_are_chosen_in_order() -> None:
    scores = torch.tensor([0.1, 0.9, 0.5], dtype=torch.float64)
    choices = choose_best(SURROGATE, CANDIDATES[:3], scores, 2)
    assert [(choice.place, choice.value) for choice in choices] == [(1, 0.9), (2, 0.5)]
    assert choices[0].mean == pytest.approx(float(SURROGATE.moments(CANDIDATES[1:2])[0]))
    assert choose_best(SURROGATE, NONE, scores[:0], 2) == []
