import math
from statistics import median

import numpy as np
import pytest
import torch

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonical_id, canonicalise
from models.search import beliefs
from models.search.proposal import STRATEGIES, Direction, Hyperparameters, Observation, ProposalBatch, ProposalRequest, Strategy
from models.search.proposer import predict, propose
from models.search.surrogate import NotPositiveDefinite
from models.spaces.enas_macro import EnasMacro
from tests.models.search.fakes import FakeAutoencoder, shared_autoencoder

AUTOENCODERS = {name: shared_autoencoder(name) for name in ("nasbench101", "nasbench201", "enas_macro")}
NB201 = AUTOENCODERS["nasbench201"]
SMALL = FakeAutoencoder(EnasMacro(num_layers=1))
WEIGHTS = {"conv3x3": 3.0, "sep_conv3x3": 3.0, "conv1x1": 2.0, "sep_conv5x5": 2.0, "skip": 1.5, "conv5x5": 1.0}


def value(architecture: Architecture) -> float:
    """Weighted operations with a term for each place, a bonus for convolutions in sequence, and a cliff without any."""
    nodes = canonicalise(architecture).nodes
    total = sum(WEIGHTS.get(label, 0.0) * (1.0 + 0.15 * place) for place, label in enumerate(nodes))
    total += 0.7 * sum("conv" in nodes[u] and "conv" in nodes[v] and nodes[u] != nodes[v] for u, v in architecture.edges)
    return total if any("conv" in label for label in nodes) else total - 50.0


def observe(autoencoder: FakeAutoencoder, count: int, seed: int = 0) -> tuple[Observation, ...]:
    rng = np.random.default_rng(seed)
    return tuple(Observation(one, value(one)) for one in (autoencoder.space.sample(rng) for _ in range(count)))


def request(count: int = 3, seed: int = 0, **changes: object) -> ProposalRequest:
    return ProposalRequest(**{"direction": "maximize", "count": count, "seed": seed, **changes})  # type: ignore[arg-type]


def run(seed: int, strategy: Strategy, budget: int) -> float:
    observations: list[Observation] = []
    hyperparameters = None
    while len(observations) < budget:
        batch = propose(NB201, request(5, 100 * seed + len(observations), observations=tuple(observations), strategy=strategy,
                                       hyperparameters=hyperparameters))  # fmt: skip
        hyperparameters = batch.hyperparameters
        observations += [Observation(proposal.architecture, value(proposal.architecture)) for proposal in batch.proposals]
    return max(observation.value for observation in observations)


def ids(batch: ProposalBatch) -> list[str]:
    return [proposal.canonical_id for proposal in batch.proposals]


def test_the_search_beats_random_sampling() -> None:
    searched = [run(seed, "svge", 40) for seed in range(3)]
    drawn = [run(seed, "random", 40) for seed in range(9)]
    assert median(searched) > max(drawn)


@pytest.mark.parametrize("name", AUTOENCODERS)
@pytest.mark.parametrize("num_observed", [0, 30])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_proposals_are_new_distinct_valid_and_canonical(name: str, num_observed: int, strategy: Strategy) -> None:
    autoencoder = AUTOENCODERS[name]
    observations = observe(autoencoder, num_observed)
    pending = tuple(observation.architecture for observation in observe(autoencoder, 3, seed=1))
    best = propose(autoencoder, request(4, observations=observations, pending=pending, strategy=strategy))
    batch = propose(
        autoencoder, request(7, observations=observations, pending=pending, excluded=tuple(ids(best)), strategy=strategy)
    )
    assert len(set(ids(batch))) == 7
    trials = {canonical_id(architecture) for architecture in (*(o.architecture for o in observations), *pending)}
    assert not set(ids(batch)) & (trials | set(ids(best)))
    for proposal in batch.proposals:
        autoencoder.space.validate(proposal.architecture)
        assert proposal.architecture == canonicalise(proposal.architecture)
        assert proposal.canonical_id == canonical_id(proposal.architecture)
        np.testing.assert_allclose(proposal.latent, autoencoder.encode([proposal.architecture]).mean[0], atol=1e-6)
    assert batch.reason is None


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("space", [EnasMacro(), EnasMacro(num_layers=2)])
def test_equal_requests_give_equal_proposals_whatever_the_state_of_torch(space: EnasMacro, strategy: Strategy) -> None:
    def fresh() -> ProposalBatch:
        autoencoder = FakeAutoencoder(space)
        return propose(autoencoder, request(4, 1, observations=observe(autoencoder, 20), strategy=strategy))

    torch.manual_seed(0)
    first = fresh()
    torch.manual_seed(1)
    with torch.inference_mode():
        assert fresh() == first


def test_the_start_fills_the_space_and_counts_what_is_running() -> None:
    assert {proposal.source for proposal in propose(NB201, request(12)).proposals} == {"initial"}
    observations = observe(NB201, 4)
    running = tuple(observation.architecture for observation in observe(NB201, 3, seed=1))
    batch = propose(NB201, request(5, observations=observations, pending=running))
    assert [proposal.source for proposal in batch.proposals] == ["initial"] * 3 + ["acquisition"] * 2
    more = tuple(observation.architecture for observation in observe(NB201, 6, seed=2))
    assert {p.source for p in propose(NB201, request(observations=observations, pending=more)).proposals} == {"acquisition"}


@pytest.mark.parametrize("num_observed", [0, 1])
def test_without_two_outcomes_the_space_is_filled_however_much_is_running(num_observed: int) -> None:
    running = tuple(observation.architecture for observation in observe(NB201, 15, seed=1))
    current = request(observations=observe(NB201, num_observed), pending=running, initial_size=1)
    batch = propose(NB201, current)
    assert {proposal.source for proposal in batch.proposals} == {"initial"}
    assert batch.hyperparameters is None
    assert predict(NB201, current, [running[0]]) == []


def test_when_every_trial_failed_new_ones_come() -> None:
    first = propose(NB201, request(10))
    second = propose(NB201, request(10, excluded=tuple(ids(first))))
    assert len(second.proposals) == 10
    assert not set(ids(first)) & set(ids(second))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_space_that_is_used_up_says_so(strategy: Strategy) -> None:
    architectures = list(SMALL.space.enumerate())
    observations = tuple(Observation(one, value(one)) for one in architectures[:4])
    batch = propose(SMALL, request(5, observations=observations, strategy=strategy))
    assert set(ids(batch)) == {canonical_id(one) for one in architectures[4:]}
    assert batch.reason is not None
    assert "all 6 architectures" in batch.reason
    observations = tuple(Observation(one, value(one)) for one in architectures)
    assert propose(SMALL, request(1, observations=observations, strategy=strategy)).proposals == ()


def test_a_large_space_that_gives_nothing_new_does_not_loop() -> None:
    class Stuck(EnasMacro):
        def sample(self, rng: np.random.Generator) -> Architecture:
            return self._build(["conv3x3"] * 6, [])

    batch = propose(FakeAutoencoder(Stuck()), request(3, strategy="random"))
    assert len(batch.proposals) == 1
    assert batch.reason is not None
    assert "only 1 of 3" in batch.reason


def test_predictions_are_in_the_unit_of_the_objective() -> None:
    observations = tuple(observation for observation in observe(NB201, 150) if observation.value > 0.0)
    test = [observation.architecture for observation in observe(NB201, 40, seed=5) if observation.value > 0.0]
    predictions = predict(NB201, request(observations=observations), test)
    errors = np.array([prediction.mean - value(one) for prediction, one in zip(predictions, test, strict=True)])
    spread = np.std([value(one) for one in test])
    assert np.sqrt(np.mean(errors**2)) < 0.5 * spread
    assert np.mean(np.abs(errors) < 2.5 * np.array([prediction.std for prediction in predictions])) > 0.8


def test_a_proposal_tells_what_predict_tells() -> None:
    current = request(1, observations=observe(NB201, 30))
    (proposal,) = propose(NB201, current).proposals
    (prediction,) = predict(NB201, current, [proposal.architecture])
    assert proposal.predicted_mean == pytest.approx(prediction.mean)
    assert proposal.predicted_std == pytest.approx(prediction.std)
    assert proposal.acquisition_value == pytest.approx(prediction.acquisition_value)


def test_minimising_mirrors_maximising() -> None:
    observations = observe(NB201, 30)
    mirrored = tuple(Observation(one.architecture, -one.value) for one in observations)
    up = propose(NB201, request(5, observations=observations))
    down = propose(NB201, request(5, observations=mirrored, direction="minimize"))
    assert ids(up) == ids(down)
    assert [p.predicted_mean for p in up.proposals] == [
        pytest.approx(-p.predicted_mean) for p in down.proposals if p.predicted_mean
    ]


def test_the_unit_does_not_change_the_choice() -> None:
    observations = observe(NB201, 20)
    huge = tuple(Observation(one.architecture, 1e9 * one.value) for one in observations)
    plain, scaled = propose(NB201, request(3, observations=observations)), propose(NB201, request(3, observations=huge))
    assert ids(plain) == ids(scaled)
    assert scaled.proposals[0].predicted_std == pytest.approx(1e9 * (plain.proposals[0].predicted_std or 0.0), rel=1e-4)


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
@pytest.mark.parametrize("constant", [0.0, 0.1, -1e9])
def test_a_constant_objective_still_gets_proposals(direction: Direction, constant: float) -> None:
    observations = tuple(Observation(one.architecture, constant) for one in observe(NB201, 12))
    batch = propose(NB201, request(3, observations=observations, direction=direction))
    assert [proposal.source for proposal in batch.proposals] == ["acquisition"] * 3
    for proposal in batch.proposals:
        assert proposal.predicted_mean == pytest.approx(constant, abs=1e-3 * max(abs(constant), 1.0))
        assert proposal.acquisition_value is not None
        assert math.isfinite(proposal.acquisition_value)


@pytest.mark.parametrize(("factor", "std"), [(1e-321, None), (1e-321, 1e308), (1.0, 1e308), (1e307, 1e308)])
def test_extreme_magnitudes_give_finite_proposals(factor: float, std: float | None) -> None:
    observations = tuple(Observation(one.architecture, factor * index, std) for index, one in enumerate(observe(NB201, 15)))
    for proposal in propose(NB201, request(2, observations=observations)).proposals:
        assert proposal.source == "acquisition"
        assert np.isfinite([proposal.predicted_mean, proposal.predicted_std, proposal.acquisition_value]).all()  # type: ignore[arg-type]


@pytest.mark.parametrize("strategy", ["ucb", "thompson", "latent", "predictor"])
def test_every_strategy_that_learns_proposes_better_than_average(strategy: Strategy) -> None:
    observations = observe(NB201, 60)
    batch = propose(NB201, request(5, observations=observations, strategy=strategy))
    assert {proposal.source for proposal in batch.proposals} == {"acquisition"}
    proposed = [value(proposal.architecture) for proposal in batch.proposals]
    assert median(proposed) > np.quantile([observation.value for observation in observations], 0.8)


@pytest.mark.parametrize("strategy", ["random", "latent_random"])
def test_strategies_that_learn_nothing_fit_nothing(strategy: Strategy) -> None:
    batch = propose(NB201, request(5, observations=observe(NB201, 30), strategy=strategy))
    assert {(proposal.source, proposal.predicted_mean) for proposal in batch.proposals} == {("fallback", None)}
    assert batch.hyperparameters is None


def test_a_monotone_change_of_the_objective_changes_nothing() -> None:
    observations = tuple(observation for observation in observe(NB201, 30) if observation.value > 0.0)
    squared = tuple(Observation(one.architecture, one.value**3) for one in observations)
    plain, changed = (propose(NB201, request(4, observations=seen)) for seen in (observations, squared))
    assert ids(plain) == ids(changed)


def test_replicates_of_one_architecture_are_one_observation() -> None:
    (observation,) = observe(NB201, 1)
    current = request(observations=(observation,) * 20)
    assert {proposal.source for proposal in propose(NB201, current).proposals} == {"initial"}
    assert predict(NB201, current, [observation.architecture]) == []


def test_a_given_std_makes_the_prediction_less_sure() -> None:
    observations = observe(NB201, 20)
    noisy = tuple(Observation(one.architecture, one.value, std=3.0) for one in observations)
    test = [observations[0].architecture]
    assert (
        predict(NB201, request(observations=noisy), test)[0].std
        > 2.0 * predict(NB201, request(observations=observations), test)[0].std
    )


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_values_that_are_not_finite_are_refused(bad: float) -> None:
    observations = (*observe(NB201, 3), Observation(observe(NB201, 1, seed=9)[0].architecture, bad))
    with pytest.raises(ValueError, match=r"observations\[3\]\.value"):
        propose(NB201, request(observations=observations))
    with pytest.raises(ValueError, match=r"observations\[3\]\.value"):
        predict(NB201, request(observations=observations), [])


def test_a_batch_needs_a_size() -> None:
    with pytest.raises(ValueError, match="count must be at least 1, got 0"):
        propose(NB201, request(0))


def test_hyperparameters_come_back_for_the_next_fit() -> None:
    observations = observe(NB201, 20)
    batch = propose(NB201, request(1, observations=observations))
    assert batch.hyperparameters is not None
    assert set(batch.hyperparameters) == {"lengthscales", "outputscale", "noise", "mean", "fitted_to", "held"}
    again = propose(NB201, request(1, observations=observations, hyperparameters=batch.hyperparameters))
    assert again.hyperparameters is not None


def test_the_hyperparameters_of_a_large_study_stand_for_a_while() -> None:
    observations = observe(NB201, 260)

    def after(count: int, before: Hyperparameters | None) -> Hyperparameters:
        found = propose(NB201, request(1, observations=observations[:count], hyperparameters=before)).hyperparameters
        assert found is not None
        return found

    first = after(250, None)
    soon = after(254, first)
    assert soon == {**first, "held": (1.0,)}
    later = after(260, soon)
    assert later["lengthscales"] != first["lengthscales"]
    assert later["held"] == (0.0,)
    # As many observations each time, as long studies show them.
    assert after(250, {**first, "held": (20.0,)})["held"] == (0.0,)


@pytest.mark.parametrize(("name", "max_nodes"), [("nasbench101", 8), ("enas_macro", 10)])
def test_a_larger_size_is_extrapolation(name: str, max_nodes: int) -> None:
    autoencoder = AUTOENCODERS[name]
    batch = propose(autoencoder, request(30, observations=observe(autoencoder, 20), max_nodes=max_nodes))
    assert len(set(ids(batch))) == 30
    for proposal in batch.proposals:
        autoencoder.space.validate(proposal.architecture, max_nodes)
        assert proposal.source == "extrapolation"
        assert proposal.architecture.num_nodes > autoencoder.space.max_nodes


@pytest.mark.parametrize("name", ["nasbench101", "enas_macro"])
@pytest.mark.parametrize("num_larger", [1, 12])
def test_what_was_observed_beyond_the_space_does_not_stop_a_study(name: str, num_larger: int) -> None:
    autoencoder = AUTOENCODERS[name]
    size = autoencoder.space.max_nodes
    larger = propose(autoencoder, request(num_larger, observations=observe(autoencoder, 20), max_nodes=size + 2)).proposals
    best = tuple(Observation(proposal.architecture, 1e3 + index) for index, proposal in enumerate(larger))
    for max_nodes in (None, size - 1, size, size + 1):
        batch = propose(autoencoder, request(5, observations=(*observe(autoencoder, 12), *best), max_nodes=max_nodes))
        assert len(set(ids(batch))) == 5
        for proposal in batch.proposals:
            autoencoder.space.validate(proposal.architecture, max_nodes)


def test_without_a_surrogate_proposals_are_drawn_at_random(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise NotPositiveDefinite("not positive definite")

    monkeypatch.setattr(beliefs, "fit", fail)
    current = request(3, observations=observe(NB201, 20))
    batch = propose(NB201, current)
    assert [proposal.source for proposal in batch.proposals] == ["fallback"] * 3
    assert batch.hyperparameters is None
    assert predict(NB201, current, [NB201.space.sample(np.random.default_rng(0))]) == []
