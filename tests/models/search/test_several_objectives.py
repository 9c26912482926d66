"""Several objectives and limits on costs, through the proposer's front door."""

from dataclasses import replace
from statistics import median

import numpy as np
import pytest
import torch
from botorch.acquisition.multi_objective import logei
from botorch.utils.multi_objective.hypervolume import Hypervolume
from torch.utils import cpp_extension

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonical_id
from models.networks.costs.published_cost import published_cost
from models.search.beliefs import fit_all
from models.search.dominance import non_dominated
from models.search.proposal import STRATEGIES, FurtherObjective, Limits, Observation, ProposalRequest, Strategy
from models.search.proposer import predict, propose
from models.search.state import build_state
from models.search.tradeoff import BASELINE, ranking
from models.spaces.custom import CustomSpace
from models.spaces.definition import Definition
from tests.models.search.fakes import FakeAutoencoder, shared_autoencoder
from tests.models.search.test_proposer import AUTOENCODERS, ids, observe, value

NB201 = shared_autoencoder("nasbench201")
FEWER_PARAMETERS = FurtherObjective("minimize", "parameters")
LATENCY = FurtherObjective("minimize")


def latency(architecture: Architecture) -> float:
    """Milliseconds of a made-up device, on which pooling is slow."""
    return 1.0 + sum({"conv3x3": 2.0, "conv1x1": 1.0, "avgpool3x3": 3.0}.get(label, 0.0) for label in architecture.nodes)


def measured(count: int, further: tuple[FurtherObjective, ...], seed: int = 0) -> tuple[Observation, ...]:
    seen = observe(NB201, count, seed)
    return tuple(replace(one, further=(latency(one.architecture),)) for one in seen) if LATENCY in further else seen


def outcomes(architectures: list[Architecture]) -> np.ndarray:
    rows = [(value(one), -np.log(published_cost(one).parameters)) for one in architectures]
    return np.array(rows)


def hypervolume(strategy: Strategy, seed: int, budget: int) -> float:
    """What a search for large values and few parameters dominates after so many evaluations."""
    current = ProposalRequest("maximize", 5, seed, strategy=strategy, further=(FEWER_PARAMETERS,))
    while len(current.observations) < budget:
        batch = propose(NB201, current)
        new = tuple(Observation(proposal.architecture, value(proposal.architecture)) for proposal in batch.proposals)
        current = replace(
            current, observations=current.observations + new, hyperparameters=batch.hyperparameters, seed=current.seed + 1
        )
    found = outcomes([observation.architecture for observation in current.observations])
    reference = torch.tensor([0.0, -np.log(2e6)], dtype=torch.float64)
    return Hypervolume(reference).compute(torch.from_numpy(found[non_dominated(found)]))


def test_the_search_for_trade_offs_beats_random_sampling() -> None:
    searched = [hypervolume("svge", 1000 * seed, 40) for seed in range(3)]
    drawn = [hypervolume("random", 1000 * seed, 40) for seed in range(9)]
    assert median(searched) > max(drawn)


def test_a_proposal_does_not_wait_for_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = []
    monkeypatch.setattr(cpp_extension, "load", lambda **options: compiled.append(options["name"]))
    assert len(propose(NB201, ProposalRequest("maximize", 1, 0, measured(20, (LATENCY,)), further=(LATENCY,))).proposals) == 1
    assert compiled == []
    assert logei._C is None


def test_candidates_start_from_the_best_trade_offs_that_are_not_too_large() -> None:
    """Also where a request before allowed larger architectures, and more of those than are looked at are better in everything."""
    autoencoder = AUTOENCODERS["nasbench101"]
    space = autoencoder.space
    seen = observe(autoencoder, 15)
    around = (one for each in observe(autoencoder, 100) for one in space.neighbours(each.architecture, 8) if one.num_nodes == 8)
    larger = list({canonical_id(one): one for one in around}.values())[: BASELINE + 10]
    assert len(larger) > BASELINE
    observations = tuple(replace(one, further=(0.0,)) for one in seen)
    observations += tuple(Observation(one, 10.0 + number, further=(1.0 + number,)) for number, one in enumerate(larger))
    state = build_state(autoencoder, ProposalRequest("maximize", 1, 0, observations, further=(FurtherObjective("maximize"),)))
    architectures = [state.measurements.architectures[place] for place in ranking(state, fit_all(state))]
    assert len(architectures) == 15
    assert max(one.num_nodes for one in architectures) <= space.max_nodes


@pytest.mark.parametrize("further", [(LATENCY,), (FEWER_PARAMETERS, LATENCY), (FurtherObjective("maximize", "multiply_adds"),)])
@pytest.mark.parametrize("count", [1, 12])
def test_proposals_are_new_distinct_and_the_same_again(further: tuple[FurtherObjective, ...], count: int) -> None:
    current = ProposalRequest("maximize", count, 3, measured(30, further), tuple(one.architecture for one in observe(NB201, 2, 9)),
                              further=further)  # fmt: skip
    batch, again = propose(NB201, current), propose(NB201, current)
    assert ids(batch) == ids(again)
    assert len(set(ids(batch))) == count
    seen = {one.architecture for one in current.observations} | set(current.pending)
    assert not seen & {proposal.architecture for proposal in batch.proposals}
    for proposal in batch.proposals:
        assert proposal.source == "acquisition"
        assert proposal.predicted_mean is not None
        assert proposal.acquisition_value is not None


def test_the_fits_of_all_objectives_are_stored_and_gone_on_from() -> None:
    current = ProposalRequest("maximize", 1, 0, measured(30, (LATENCY,)), further=(LATENCY,))
    batch = propose(NB201, current)
    assert batch.hyperparameters is not None
    assert {name for name in batch.hyperparameters if name.startswith("1.")} == {
        f"1.{name}" for name in batch.hyperparameters if not name.startswith("1.")
    }
    again = propose(NB201, replace(current, hyperparameters=batch.hyperparameters))
    assert again.hyperparameters is not None
    assert again.hyperparameters["1.lengthscales"] != batch.hyperparameters["lengthscales"]


@pytest.mark.parametrize("scale", [0.0, 1e-9, 1e9])
def test_further_objectives_of_any_scale(scale: float) -> None:
    seen = tuple(replace(one, further=(scale * latency(one.architecture),)) for one in observe(NB201, 15))
    batch = propose(NB201, ProposalRequest("minimize", 3, 0, seen, further=(LATENCY,)))
    assert len(set(ids(batch))) == 3


def test_predictions_are_of_the_first_objective() -> None:
    seen = measured(20, (LATENCY,))
    asked = [one.architecture for one in observe(NB201, 3, 5)]
    several = ProposalRequest("maximize", 1, 0, seen, further=(LATENCY,))
    others = replace(several, observations=tuple(replace(one, further=(-5.0 * one.further[0],)) for one in seen))
    predictions = predict(NB201, several, asked)
    assert predictions == predict(NB201, others, asked)
    assert all(min(one.value for one in seen) - 20.0 < one.mean < max(one.value for one in seen) + 20.0 for one in predictions)


@pytest.mark.parametrize("name", AUTOENCODERS)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_nothing_beyond_the_limits_is_proposed(name: str, strategy: Strategy) -> None:
    autoencoder = AUTOENCODERS[name]
    costs = [published_cost(one.architecture) for one in observe(autoencoder, 50, 4)]
    limits = Limits(int(np.quantile([one.parameters for one in costs], 0.3)), int(np.median([one.multiply_adds for one in costs])))
    for observed in (0, 15):
        request = ProposalRequest("maximize", 5, 0, observe(autoencoder, observed), strategy=strategy, limits=limits)
        batch = propose(autoencoder, request)
        assert len(set(ids(batch))) == 5
        for proposal in batch.proposals:
            cost = published_cost(proposal.architecture)
            assert limits.parameters is not None
            assert cost.parameters <= limits.parameters
            assert limits.multiply_adds is not None
            assert cost.multiply_adds <= limits.multiply_adds


def test_limits_that_hardly_anything_is_within_are_found() -> None:
    autoencoder = AUTOENCODERS["enas_macro"]
    smallest = min(published_cost(one.architecture).parameters for one in observe(autoencoder, 300))
    lowest = propose(autoencoder, ProposalRequest("maximize", 3, 0, limits=Limits(parameters=int(0.7 * smallest))))
    assert len(set(ids(lowest))) == 3
    assert all(published_cost(one.architecture).parameters <= 0.7 * smallest for one in lowest.proposals)


@pytest.mark.parametrize("name", ["nasbench201", "enas_macro"])
def test_limits_that_nothing_is_within_are_said(name: str) -> None:
    batch = propose(AUTOENCODERS[name], ProposalRequest("maximize", 2, 0, limits=Limits(multiply_adds=1)))
    assert batch.proposals == ()
    size = "all 15625" if name == "nasbench201" else "only 0 of 2 new"
    expected = {
        "nasbench201": "are beyond the limits, observed, running, excluded or among the 0 proposed here",
        "enas_macro": "were found; nearly all are beyond the limits or were seen already",
    }
    assert batch.reason == f"{size} architectures of '{name}' {expected[name]}"


def test_requests_that_contradict_themselves_are_refused() -> None:
    seen = observe(NB201, 3)
    with pytest.raises(ValueError, match=r"observations\[0\].further must have 1 values, one for each objective, got 0"):
        propose(NB201, ProposalRequest("maximize", 1, 0, seen, further=(LATENCY,)))
    with pytest.raises(ValueError, match=r"observations\[1\].further must have 0 values"):
        propose(NB201, ProposalRequest("maximize", 1, 0, (seen[0], replace(seen[1], further=(1.0,)))))
    with pytest.raises(ValueError, match=r"observations\[0\].further must be finite numbers, got \(nan,\)"):
        propose(NB201, ProposalRequest("maximize", 1, 0, (replace(seen[0], further=(float("nan"),)),), further=(LATENCY,)))
    with pytest.raises(ValueError, match="further must be at most 2 objectives, got 3"):
        propose(NB201, ProposalRequest("maximize", 1, 0, further=(FEWER_PARAMETERS, LATENCY, LATENCY)))
    with pytest.raises(ValueError, match="strategy must be one of svge, latent_random, random for several objectives, got 'ucb'"):
        propose(NB201, ProposalRequest("maximize", 1, 0, strategy="ucb", further=(LATENCY,)))


def test_a_space_without_networks_has_no_costs() -> None:
    autoencoder = FakeAutoencoder(CustomSpace(Definition("tiny", ("a", "b"), max_nodes=4)))
    with pytest.raises(ValueError, match="limits cannot name costs for 'tiny': it has no networks"):
        propose(autoencoder, ProposalRequest("maximize", 1, 0, limits=Limits(parameters=10)))
    with pytest.raises(ValueError, match="further cannot name costs for 'tiny'"):
        propose(autoencoder, ProposalRequest("maximize", 1, 0, further=(FEWER_PARAMETERS,)))
