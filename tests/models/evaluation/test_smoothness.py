import pytest
import torch

from models.architectures.edit_distance import edit_distance
from models.evaluation.smoothness import NUM_STEPS, aggregate_std, mean_pair_distance, measure_smoothness, walk
from models.svge.encoder import Posterior
from tests.models.evaluation.memory import Memory

MEMORY = Memory(reach=0.5)


def test_the_aggregate_posterior_is_as_wide_as_its_samples() -> None:
    generator = torch.Generator().manual_seed(0)
    mean = 2.0 * torch.randn(4000, 3, generator=generator)
    log_var = torch.rand(4000, 3, generator=generator)
    samples = mean + (0.5 * log_var).exp() * torch.randn(4000, 3, generator=generator)
    torch.testing.assert_close(aggregate_std(Posterior(mean, log_var)), samples.std(dim=0), rtol=0.05, atol=0.0)


def test_a_walk_is_straight_and_starts_where_it_should() -> None:
    starts, steps = torch.randn(4, 3), torch.randn(4, 3)
    points = walk(starts, steps)
    assert points.shape == (4, NUM_STEPS + 1, 3)
    torch.testing.assert_close(points[:, 0], starts)
    torch.testing.assert_close(points.diff(dim=1), steps[:, None].expand(-1, NUM_STEPS, -1))


def test_steps_that_stay_in_the_cell_of_one_architecture_change_nothing() -> None:
    (tiny,) = measure_smoothness(MEMORY, MEMORY.known, seed=0, step_lengths=[1e-4])
    assert (tiny.mean_edit_distance, tiny.changed) == (0.0, 0.0)


def test_a_step_from_one_number_to_the_next_costs_the_edits_between_them() -> None:
    """Every step of length one is a step to the next architecture of the enumeration, up or down."""
    count = len(MEMORY.known)
    scale = float(aggregate_std(MEMORY.encode(MEMORY.known)))
    (one,) = measure_smoothness(MEMORY, MEMORY.known, seed=0, step_lengths=[1.0 / scale], num_walks=600)
    edits = [edit_distance(MEMORY.known[place], MEMORY.known[(place + 1) % count]) for place in range(count)]
    assert one.changed == 100.0
    assert one.mean_edit_distance == pytest.approx(sum(edits) / count, rel=0.1)


def test_the_unit_of_a_step_is_that_of_the_model() -> None:
    """A model whose latents are a thousand times larger is as smooth."""

    class Stretched(Memory):
        def encode(self, architectures):  # type: ignore[no-untyped-def]
            mean, log_var = super().encode(architectures)
            return Posterior(1000.0 * mean, log_var)

        def decode(self, latents, generator=None):  # type: ignore[no-untyped-def]
            return super().decode(latents / 1000.0, generator)

    lengths = [0.01, 0.1, 1.0]
    found = measure_smoothness(Stretched(reach=0.5), MEMORY.known, 3, lengths)
    expected = measure_smoothness(MEMORY, MEMORY.known, 3, lengths)
    assert [one.mean_edit_distance for one in found] == pytest.approx([one.mean_edit_distance for one in expected], rel=0.02)


def test_unrelated_architectures_are_as_far_apart_as_pairs_are() -> None:
    pairs = [edit_distance(a, b) for a in MEMORY.known for b in MEMORY.known if a != b]
    assert mean_pair_distance(MEMORY.known, seed=0) == pytest.approx(sum(pairs) / len(pairs), rel=0.1)


def test_no_architecture_is_compared_with_itself() -> None:
    two = MEMORY.known[:2]
    assert mean_pair_distance(two, seed=0) == edit_distance(*two) > 0
    with pytest.raises(ValueError, match="at least two held-out graphs to compare, got 1"):
        mean_pair_distance(two[:1], seed=0)
