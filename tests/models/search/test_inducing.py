import torch

from models.search.inducing import MAX_CONSIDERED, select_inducing
from models.search.process import Process, from_mapping


def unit_process() -> Process:
    process = from_mapping(
        {"lengthscales": (1.0, 1.0, 1.0), "outputscale": (2.0,), "noise": (0.01,), "mean": (0.0,)}, torch.arange(3)
    )
    assert process is not None
    return process.requires_grad_(False)


PROCESS = unit_process()


def points(n: int, d: int = 3) -> torch.Tensor:
    return torch.randn(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(3))


def conditional_variance(x: torch.Tensor, chosen: list[int]) -> torch.Tensor:
    if not chosen:
        return 2.0 * torch.ones(len(x), dtype=x.dtype)
    cross = PROCESS.covariance(x, x[chosen])
    return 2.0 - (cross * torch.linalg.solve(PROCESS.covariance(x[chosen], x[chosen]), cross.T).T).sum(1)


def test_each_point_has_the_greatest_variance_given_those_before() -> None:
    x = points(40)
    chosen = select_inducing(PROCESS, x, 12).tolist()
    assert len(set(chosen)) == 12
    for step, index in enumerate(chosen):
        variance = conditional_variance(x, chosen[:step])
        assert float(variance[index]) >= float(variance.max()) - 1e-9


def test_more_points_leave_less_variance() -> None:
    x = points(60)
    left = [float(conditional_variance(x, select_inducing(PROCESS, x, limit).tolist()).sum()) for limit in (5, 15, 30)]
    assert left == sorted(left, reverse=True)


def test_the_choice_is_more_independent_than_the_first_points() -> None:
    x = points(60)
    chosen = x[select_inducing(PROCESS, x, 10)]
    assert float(torch.logdet(PROCESS.covariance(chosen, chosen))) > float(torch.logdet(PROCESS.covariance(x[:10], x[:10])))


def test_duplicates_are_chosen_once() -> None:
    x = points(6).repeat(4, 1)
    assert sorted(select_inducing(PROCESS, x, 23).tolist()) == list(range(6))


def test_all_points_where_there_is_room() -> None:
    assert select_inducing(PROCESS, points(0), 5).tolist() == []
    assert select_inducing(PROCESS, points(5), 5).tolist() == [0, 1, 2, 3, 4]


def test_of_very_many_points_some_are_considered_evenly() -> None:
    chosen = select_inducing(PROCESS, points(3 * MAX_CONSIDERED), 50)
    assert len(set(chosen.tolist())) == 50
    assert int(chosen.min()) < MAX_CONSIDERED
    assert int(chosen.max()) >= 2 * MAX_CONSIDERED
