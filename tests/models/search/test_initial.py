import torch

from models.search.initial import farthest_points, space_filling
from models.search.proposal import ProposalRequest
from models.search.state import SearchState, build_state
from models.spaces.enas_macro import EnasMacro
from tests.models.search.fakes import FakeAutoencoder, shared_autoencoder

AUTOENCODER = shared_autoencoder("nasbench201")


def state(seed: int, pending: int = 0) -> SearchState:
    running = tuple(
        AUTOENCODER.space.sample(build_state(AUTOENCODER, ProposalRequest("maximize", 1, 99)).rng(i)) for i in range(pending)
    )
    return build_state(AUTOENCODER, ProposalRequest("maximize", 1, seed, pending=running))


def test_each_point_is_the_farthest_from_anchors_and_those_before() -> None:
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(50, 3, dtype=torch.float64, generator=generator)
    anchors = torch.randn(4, 3, dtype=torch.float64, generator=generator)
    chosen = farthest_points(points, anchors, 10).tolist()
    assert len(set(chosen)) == 10
    for step, index in enumerate(chosen):
        distance = torch.cdist(points, torch.cat([anchors, points[chosen[:step]]])).amin(1)
        assert float(distance[index]) >= float(distance.max()) - 1e-12


def test_a_line_is_halved() -> None:
    line = torch.linspace(0.0, 1.0, 9, dtype=torch.float64)[:, None]
    assert farthest_points(line, line[:0], 3).tolist() == [0, 8, 4]


def test_no_more_points_than_there_are() -> None:
    points = torch.zeros(3, 2, dtype=torch.float64)
    assert sorted(farthest_points(points, points[:0], 5).tolist()) == [0, 1, 2]
    assert farthest_points(points[:0], points[:0], 5).tolist() == []
    assert farthest_points(points, points[:0], 0).tolist() == []


def test_the_design_spreads_wider_than_a_random_one() -> None:
    current = state(0)
    design = current.encode(space_filling(current, 10))
    random = current.pool.points[current.rng(5).integers(15_625, size=10)]
    assert float(torch.pdist(design).min()) > 1.3 * float(torch.pdist(random).min())


def test_the_design_comes_from_the_seed() -> None:
    assert space_filling(state(1), 5) == space_filling(state(1), 5)
    assert not set(space_filling(state(1), 5)) & set(space_filling(state(2), 5))


def test_running_trials_are_kept_away_from() -> None:
    current = state(3, pending=8)
    design = current.encode(space_filling(current, 4))
    free = current.encode(space_filling(state(3), 4))
    assert float(torch.cdist(design, current.pending).min()) >= float(torch.cdist(free, current.pending).min())


def test_a_small_space_is_used_up() -> None:
    small = FakeAutoencoder(EnasMacro(num_layers=1))
    assert set(space_filling(build_state(small, ProposalRequest("maximize", 1, 0)), 10)) == set(small.space.enumerate())
