from collections import Counter

from models.architectures.canonical import canonical_id
from models.search.proposal import Observation, ProposalRequest
from models.search.sampling import draw_unseen
from models.search.state import SearchState, build_state
from models.spaces.enas_macro import EnasMacro
from tests.models.search.fakes import FakeAutoencoder

SMALL = FakeAutoencoder(EnasMacro(num_layers=1))
MEDIUM = FakeAutoencoder(EnasMacro(num_layers=4))


def state(autoencoder: FakeAutoencoder, seed: int = 0, observed: int = 0) -> SearchState:
    pool = build_state(autoencoder, ProposalRequest("maximize", 1, 0)).pool
    observations = tuple(Observation(architecture, 0.0) for architecture in pool.architectures[:observed])
    return build_state(autoencoder, ProposalRequest("maximize", 1, seed, observations))


def test_draws_are_new_and_named() -> None:
    for autoencoder in (SMALL, MEDIUM):
        current = state(autoencoder, observed=3)
        first = draw_unseen(current, 2)
        second = draw_unseen(current, 1, taken=first)
        assert len(first) == 2
        assert not (set(first) | set(second)) & current.seen
        assert not set(first) & set(second)
        assert all(name == canonical_id(architecture) for name, architecture in first.items())


def test_a_listed_space_ends() -> None:
    assert len(draw_unseen(state(SMALL), 10)) == 6
    assert len(draw_unseen(state(SMALL, observed=4), 10)) == 2
    assert draw_unseen(state(SMALL, observed=6), 10) == {}


def test_draws_are_uniform_over_what_is_left() -> None:
    counts = Counter(next(iter(draw_unseen(state(SMALL, seed, observed=3), 1))) for seed in range(300))
    assert len(counts) == 3
    assert min(counts.values()) > 70


def test_draws_come_from_the_seed() -> None:
    assert draw_unseen(state(MEDIUM, 1), 5) == draw_unseen(state(MEDIUM, 1), 5)
    assert not set(draw_unseen(state(MEDIUM, 1), 5)) & set(draw_unseen(state(MEDIUM, 2), 5))
