import pytest
import torch

from models.search.initial import MAX_DESIGNED, initial_design, most_informative
from models.search.process import Process
from models.search.proposal import ProposalRequest
from models.search.state import SearchState, build_state
from models.search.surrogate import TrainingData, condition
from tests.models.search.fakes import shared_autoencoder

AUTOENCODER = shared_autoencoder("nasbench201")
NONE = torch.zeros(0, 3, dtype=torch.float64)


def process(dimension: int = 3) -> Process:
    return Process(torch.arange(dimension), noise=0.02)


def points(n: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def state(seed: int, pending: int = 0) -> SearchState:
    running = tuple(
        AUTOENCODER.space.sample(build_state(AUTOENCODER, ProposalRequest("maximize", 1, 99)).rng(i)) for i in range(pending)
    )
    return build_state(AUTOENCODER, ProposalRequest("maximize", 1, seed, pending=running))


def remaining_variance(observed: torch.Tensor, everywhere: torch.Tensor) -> float:
    """The mean variance of a process that has seen what is observed, by conditioning it from the start."""
    ones = torch.ones(len(observed), dtype=torch.float64)
    known = TrainingData(observed, 0.0 * ones, ones, ones * torch.nan)
    return float(condition(known, observed, process(everywhere.shape[1])).moments(everywhere)[1].mean())


@pytest.mark.parametrize("num_trials", [0, 4])
def test_each_choice_lowers_the_variance_more_than_any_other(num_trials: int) -> None:
    everywhere, trials = points(40), points(num_trials, seed=1)
    seen = trials
    for place in most_informative(process(), everywhere, trials, 5).tolist():
        left = [remaining_variance(torch.cat([seen, everywhere[i : i + 1]]), everywhere) for i in range(len(everywhere))]
        assert left[place] == pytest.approx(min(left), rel=1e-6)
        seen = torch.cat([seen, everywhere[place : place + 1]])


def test_the_middle_of_a_line_tells_most() -> None:
    line = torch.linspace(-2.0, 2.0, 9, dtype=torch.float64)[:, None]
    assert most_informative(process(1), line, line[:0], 1).tolist() == [4]


def test_an_odd_point_is_not_the_first() -> None:
    crowd = torch.cat([points(30), points(1) + 50.0])
    assert 30 not in most_informative(process(), crowd, NONE, 3).tolist()


def test_no_more_points_than_there_are() -> None:
    same = torch.zeros(3, 3, dtype=torch.float64)
    assert sorted(most_informative(process(), same, NONE, 5).tolist()) == [0, 1, 2]
    assert most_informative(process(), NONE, NONE, 5).tolist() == []
    assert most_informative(process(), same, NONE, 0).tolist() == []
    assert initial_design(state(0), 0) == []


def test_the_design_leaves_less_unknown_than_a_random_one() -> None:
    current = state(0)
    everywhere = current.pool_points[:: len(current.pool_points) // 500]
    design = remaining_variance(current.encode(initial_design(current, 10)), everywhere)
    random = [remaining_variance(current.pool_points[current.rng(i).integers(15_625, size=10)], everywhere) for i in range(5)]
    assert design < min(random)


def test_the_design_comes_from_the_seed() -> None:
    assert initial_design(state(1), 5) == initial_design(state(1), 5)
    assert not set(initial_design(state(1), 5)) & set(initial_design(state(2), 5))


def test_running_trials_are_kept_away_from() -> None:
    nearer = 0
    for seed in range(3, 9):
        current = state(seed, pending=8)
        design = current.encode(initial_design(current, 4))
        free = current.encode(initial_design(state(seed), 4))
        nearer += float(torch.cdist(design, current.pending).min()) < float(torch.cdist(free, current.pending).min())
    assert nearer == 0


def test_a_large_design_is_filled_up_at_random() -> None:
    design = initial_design(state(4), MAX_DESIGNED + 50)
    assert len(set(design)) == MAX_DESIGNED + 50
