"""The measures of Table 5 on an autoencoder that memorises, whose figures are known beforehand."""

import math

import pytest

from models.evaluation.abilities import measure_abilities
from tests.models.evaluation.memory import Memory


def test_a_perfect_memory_scores_a_hundred() -> None:
    memory = Memory(reach=0.5)
    abilities = measure_abilities(memory, memory.known[:30], memory.known[30:], seed=0)
    assert abilities.reconstruction == abilities.reconstruction_published_noise == abilities.reconstruction_greedy == 100.0
    assert abilities.validity_free == abilities.validity_constrained == 100.0


def test_invalid_decodings_count_against_validity_only() -> None:
    memory = Memory(reach=0.25)
    abilities = measure_abilities(memory, memory.known[:30], memory.known[30:], seed=0)
    assert abilities.validity_free == pytest.approx(50.0, abs=5.0)
    assert abilities.validity_constrained == 100.0
    assert abilities.reconstruction == 100.0


def test_novelty_and_uniqueness_are_shares_of_the_valid() -> None:
    memory = Memory(reach=0.5)
    everything = measure_abilities(memory, memory.known[:5], memory.known, seed=0)
    nothing = measure_abilities(memory, memory.known[:5], [], seed=0)
    assert (everything.novelty, nothing.novelty) == (0.0, 100.0)
    prior_range = 9
    assert everything.uniqueness <= 100.0 * prior_range / 10_000


def test_reconstruction_samples_the_whole_posterior_or_a_hundredth_of_it() -> None:
    memory = Memory(reach=0.5, std=1.0)
    abilities = measure_abilities(memory, memory.known[:60], memory.known, seed=0, num_prior_samples=10)
    within_half = 100.0 * math.erf(0.5 / math.sqrt(2.0))
    assert abilities.reconstruction == pytest.approx(within_half, abs=6.0)
    assert abilities.reconstruction_published_noise == 100.0


def test_more_graphs_than_are_decoded_at_once_are_each_compared_with_themselves() -> None:
    memory = Memory(reach=0.5)
    heard: list[tuple[str, int, int]] = []
    many = memory.known + memory.known + memory.known
    abilities = measure_abilities(memory, many, [], 0, num_prior_samples=10, report=lambda *stage: heard.append(stage))
    assert abilities.reconstruction == 100.0
    assert ("reconstructing at noise 1", len(many), len(many)) in heard
