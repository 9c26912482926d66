import pytest
import torch

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonical_id, canonicalise
from models.search.proposal import Observation, ProposalRequest, Strategy
from models.search.state import build_state
from models.spaces.nasbench201 import NATIVE_EDGES
from tests.models.search.fakes import shared_autoencoder

AUTOENCODER = shared_autoencoder("nasbench201")
STRATEGIES_COMPARED: tuple[Strategy, Strategy] = ("svge", "latent")
ONE, TWO, THREE = (
    Architecture("nasbench201", ("input", label, *["skip"] * 5, "output"), NATIVE_EDGES) for label in ("none", "conv1x1", "conv3x3")
)


def test_trials_are_merged_and_encoded() -> None:
    request = ProposalRequest(
        "maximize", 1, 0, (Observation(ONE, 1.0), Observation(TWO, 2.0), Observation(ONE, 3.0)), (THREE, ONE, THREE)
    )
    state = build_state(AUTOENCODER, request)
    assert state.measurements.values.tolist() == [2.0, 2.0]
    places = [state.pool.places[canonicalise(one)] for one in (ONE, TWO, THREE)]
    torch.testing.assert_close(state.observed, state.pool.points[places[:2]])
    torch.testing.assert_close(state.pending, state.pool.points[places[2:]])
    torch.testing.assert_close(state.pool.inputs.restore_latents(state.observed), AUTOENCODER.encode([ONE, TWO]).mean.double())


def test_the_latent_strategy_sees_latents_alone() -> None:
    both, latent = (
        build_state(AUTOENCODER, ProposalRequest("maximize", 1, 0, (Observation(ONE, 1.0),), (TWO,), strategy=strategy))
        for strategy in STRATEGIES_COMPARED
    )
    assert latent.observed.shape == latent.pending.shape == (1, AUTOENCODER.latent_size)
    assert latent.groups.tolist() == list(range(AUTOENCODER.latent_size))
    torch.testing.assert_close(latent.pool_points, both.pool_points[:, : AUTOENCODER.latent_size])
    assert both.groups[: AUTOENCODER.latent_size].tolist() == [0] * AUTOENCODER.latent_size
    assert len(both.groups) > AUTOENCODER.latent_size


def test_seen_is_all_that_is_observed_running_or_excluded() -> None:
    request = ProposalRequest("maximize", 1, 0, (Observation(ONE, 1.0),), (TWO,), (canonical_id(THREE),))
    state = build_state(AUTOENCODER, request)
    assert state.seen == {canonical_id(architecture) for architecture in (ONE, TWO, THREE)}
    left = state.unseen_pool()
    assert len(left) == 15_625 - 3
    assert not state.seen & {state.pool.canonical_ids[place] for place in left}


def test_random_streams_come_from_the_seed_and_the_purpose() -> None:
    def draw(seed: int, purpose: int) -> int:
        return int(build_state(AUTOENCODER, ProposalRequest("maximize", 1, seed)).rng(purpose).integers(2**40))

    assert draw(1, 1) == draw(1, 1)
    assert len({draw(1, 1), draw(1, 2), draw(2, 1), draw(-1, 1)}) == 4


def test_architectures_of_another_space_are_named() -> None:
    other = Architecture("nasbench101", ("input", "output"), ((0, 1),))
    expected = r"\[1\] must be an architecture of 'nasbench201', got one of 'nasbench101'"
    with pytest.raises(ValueError, match="observations" + expected):
        build_state(AUTOENCODER, ProposalRequest("maximize", 1, 0, (Observation(ONE, 1.0), Observation(other, 2.0))))
    with pytest.raises(ValueError, match="pending" + expected):
        build_state(AUTOENCODER, ProposalRequest("maximize", 1, 0, pending=(ONE, other)))


def test_the_limit_is_never_below_the_trained_space() -> None:
    states = [build_state(AUTOENCODER, ProposalRequest("maximize", 1, 0, max_nodes=limit)) for limit in (None, 5, 8, 9)]
    assert [(state.limit, state.extrapolates) for state in states] == [(8, False), (8, False), (8, False), (9, True)]
