import torch

from models.search.ranking import predictor_scores


def points(n: int, seed: int, spread: float = 1.0) -> torch.Tensor:
    return spread * torch.randn(n, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def outcomes(x: torch.Tensor) -> torch.Tensor:
    return torch.tanh(x[:, 0]) - 0.5 * x[:, 1]


def scores(spread: float = 1.0, seed: int = 0) -> torch.Tensor:
    observed = points(200, 0)
    return predictor_scores(spread * observed, outcomes(observed), points(100, 1, spread), torch.Generator().manual_seed(seed))


def test_unseen_points_are_ranked_by_what_was_learnt() -> None:
    truth = outcomes(points(100, 1))
    assert float(torch.corrcoef(torch.stack([scores(), truth]))[0, 1]) > 0.95


def test_the_unit_of_the_latents_does_not_matter() -> None:
    torch.testing.assert_close(scores(spread=0.01), scores(), atol=1e-3, rtol=0.0)


def test_scores_come_from_the_generator() -> None:
    torch.manual_seed(5)
    first = scores()
    torch.manual_seed(6)
    with torch.no_grad():
        assert torch.equal(scores(), first)
    assert not torch.equal(scores(seed=1), first)


def test_one_observation_is_enough() -> None:
    found = predictor_scores(points(1, 0), torch.zeros(1, dtype=torch.float64), points(3, 1), torch.Generator().manual_seed(0))
    assert bool(torch.isfinite(found).all())
