import pytest
import torch

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonical_id, canonicalise
from models.search import candidates
from models.search.acquisition import log_expected_improvement
from models.search.candidates import (
    MAX_ONE_EDIT,
    MAX_TWO_EDITS,
    NUM_GROWN,
    Guide,
    ascended,
    climb,
    edited,
    gather_candidates,
    grown,
)
from models.search.fitting import fit
from models.search.proposal import Observation, ProposalRequest, Strategy
from models.search.state import SearchState, build_state
from models.search.surrogate import Surrogate, TrainingData
from models.spaces.enas_macro import EnasMacro
from models.spaces.nasbench101 import NasBench101
from models.spaces.space import SearchSpace
from tests.models.search.fakes import shared_autoencoder

AUTOENCODERS = {name: shared_autoencoder(name) for name in ("nasbench101", "nasbench201", "enas_macro")}
BEST = 1.0


def state(name: str, seed: int = 0, max_nodes: int | None = None, strategy: Strategy = "svge") -> SearchState:
    autoencoder = AUTOENCODERS[name]
    rng = build_state(autoencoder, ProposalRequest("maximize", 1, 0)).rng(0)
    observations = tuple(Observation(autoencoder.space.sample(rng), float(index)) for index in range(15))
    pending = (autoencoder.space.sample(rng),)
    excluded = (canonical_id(autoencoder.space.sample(rng)),)
    request = ProposalRequest("maximize", 1, seed, observations, pending, excluded, strategy, max_nodes=max_nodes)
    return build_state(autoencoder, request)


def surrogate_of(current: SearchState) -> Surrogate:
    outcomes = torch.from_numpy(current.measurements.values / current.measurements.values.std())
    counts = torch.ones_like(outcomes)
    return fit(TrainingData(current.observed, outcomes, counts, counts * torch.nan), None, current.groups)


def guide_of(current: SearchState) -> Guide:
    surrogate = surrogate_of(current)
    return Guide(surrogate.means(current.observed).argsort(descending=True).tolist(), [(surrogate, BEST)])


@pytest.mark.parametrize("name", AUTOENCODERS)
def test_candidates_are_distinct_unseen_canonical_valid_and_encoded(name: str) -> None:
    current = state(name)
    taken = {current.pool.canonical_ids[0], current.pool.canonical_ids[1]}
    found = gather_candidates(current, guide_of(current), 1, taken)
    assert len(set(found.canonical_ids)) == len(found.canonical_ids) == len(found.architectures) == len(found.points)
    assert not set(found.canonical_ids) & (current.seen | taken)
    for architecture, identifier in list(zip(found.architectures, found.canonical_ids, strict=True))[-300:]:
        AUTOENCODERS[name].space.validate(architecture)
        assert canonicalise(architecture) == architecture
        assert canonical_id(architecture) == identifier
    torch.testing.assert_close(found.points[-300:], current.encode(found.architectures[-300:]))


def test_a_complete_pool_is_the_candidate_set() -> None:
    current = state("nasbench201")
    assert len(gather_candidates(current, guide_of(current), 1).architectures) == 15_625 - len(current.seen)


def test_other_sources_add_to_a_sampled_pool() -> None:
    current = state("enas_macro")
    found = gather_candidates(current, guide_of(current), 1)
    assert len(found.architectures) > len(current.pool.architectures) + 300
    best = current.measurements.architectures[-1]
    neighbours = {canonical_id(neighbour) for neighbour in current.autoencoder.space.neighbours(best)}
    assert neighbours <= set(found.canonical_ids) | current.seen


def test_candidates_come_from_the_seed() -> None:
    guide = guide_of(state("enas_macro"))
    first, again, other = (gather_candidates(state("enas_macro", seed), guide, 1) for seed in (1, 1, 2))
    assert first.canonical_ids == again.canonical_ids
    assert first.canonical_ids != other.canonical_ids


def test_edits_stay_within_their_numbers_and_start_at_the_first_leader() -> None:
    current = state("enas_macro")
    leaders = current.pool.architectures[:30]
    found = edited(current, leaders)
    assert found[:45] == current.autoencoder.space.neighbours(leaders[0])
    assert MAX_ONE_EDIT < len(found) <= MAX_ONE_EDIT + MAX_TWO_EDITS


@pytest.mark.parametrize(("space", "max_nodes"), [(NasBench101(), 9), (EnasMacro(), 12)])
def test_growth_reaches_the_larger_sizes(space: SearchSpace, max_nodes: int) -> None:
    current = state(space.name, max_nodes=max_nodes)
    leaders = [one for one in current.pool.architectures if one.num_nodes == space.max_nodes and len(one.edges) != 9][:4]
    found = grown(current, leaders)
    assert {one.num_nodes for one in found} == set(range(space.max_nodes + 1, max_nodes + 1))
    for architecture in found:
        space.validate(architecture, max_nodes)


def test_growth_lists_the_neighbours_of_few(monkeypatch: pytest.MonkeyPatch) -> None:
    current = state("enas_macro", max_nodes=14)
    listed = []
    plain = EnasMacro.neighbours

    def counted(self: EnasMacro, architecture: Architecture, max_nodes: int | None = None) -> list[Architecture]:
        listed.append(architecture)
        return plain(self, architecture, max_nodes)

    monkeypatch.setattr(EnasMacro, "neighbours", counted)
    found = grown(current, current.pool.architectures[:50])
    assert {one.num_nodes for one in found} == {9, 10, 11, 12, 13, 14}
    assert len(listed) <= 6 * NUM_GROWN // 2


def test_a_fixed_space_does_not_grow() -> None:
    current = state("nasbench201", max_nodes=12)
    assert grown(current, current.measurements.architectures) == []


def test_climbing_raises_the_expected_improvement_within_the_box() -> None:
    current = state("enas_macro")
    surrogate = surrogate_of(current)
    size = current.pool.inputs.latent_size
    starts, box = current.pool.points[:8], current.pool.points[:, :size]

    def value(points: torch.Tensor) -> torch.Tensor:
        mean, variance = surrogate.moments(points)
        return log_expected_improvement(mean, variance, BEST)

    ends = climb(surrogate, starts, BEST, current.pool.points, size)
    assert ends.shape == (8, size)
    with torch.no_grad():
        reached = torch.cat([ends, starts[:, size:]], dim=1)
        assert float((value(reached) > value(starts)).double().mean()) > 0.8
    assert bool((ends <= box.amax(0) + 1e-12).all())
    assert bool((ends >= box.amin(0) - 1e-12).all())
    assert not ends.requires_grad


@pytest.mark.parametrize(
    ("strategy", "max_nodes", "climbs"), [("svge", None, False), ("ucb", None, False), ("latent", None, True), ("svge", 12, True)]
)
def test_the_strategy_of_the_paper_climbs_and_all_do_beyond_the_trained_sizes(
    strategy: Strategy, max_nodes: int | None, climbs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = state("enas_macro", max_nodes=max_nodes, strategy=strategy)
    with_all = gather_candidates(current, guide_of(current), 1).canonical_ids
    monkeypatch.setattr(candidates, "ascended", lambda *_: [])
    without = gather_candidates(current, guide_of(current), 1).canonical_ids
    assert set(without) <= set(with_all)
    assert (len(without) < len(with_all)) == climbs


@pytest.mark.parametrize("num_starts", [0, 1, 2, 5])
def test_each_start_is_climbed_from_once_however_many_objectives_there_are(num_starts: int) -> None:
    current = state("enas_macro")
    guide = guide_of(current)
    for num_hills in (1, 3):
        several = Guide(guide.order, guide.hills * num_hills)
        found = ascended(current, several, current.observed[guide.order[:num_starts]])
        assert len(found) == num_starts
        for architecture in found:
            current.autoencoder.space.validate(architecture)


@pytest.mark.parametrize(("name", "max_nodes"), [("nasbench101", 8), ("enas_macro", 9)])
def test_extrapolation_considers_larger_architectures_alone(name: str, max_nodes: int) -> None:
    current = state(name, max_nodes=max_nodes)
    found = gather_candidates(current, guide_of(current), 1)
    assert len(found.architectures) > 20
    for architecture in found.architectures:
        assert architecture.num_nodes > current.autoencoder.space.max_nodes
        current.autoencoder.space.validate(architecture, max_nodes)


def test_a_space_without_larger_architectures_offers_its_own() -> None:
    current = state("nasbench201", max_nodes=12)
    assert len(gather_candidates(current, guide_of(current), 1).architectures) == 15_625 - len(current.seen)
