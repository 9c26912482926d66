import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.search.features import Block
from models.search.inputs import InputScale, input_scale

BLOCKS = (Block("shared", (4,), by_first=False), Block("by place", (2, 3), by_first=True))


def raw(n: int, seed: int = 0) -> torch.Tensor:
    """Five latents of one size, and columns of sizes of their own; the one of number 6 is constant."""
    rows = torch.randn(n, 15, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    rows[:, 5:] *= torch.arange(1.0, 11.0, dtype=torch.float64)
    rows[:, 6] = 7.0
    return rows


def scaled() -> tuple[torch.Tensor, InputScale]:
    rows = raw(400)
    scale = input_scale(rows, 5, BLOCKS)
    return scale.standardise(rows[:, scale.kept]), scale


def test_two_random_rows_are_one_apart_in_each_block() -> None:
    points, _ = scaled()
    for block in (points[:, :5], points[:, 5:8], points[:, 8:]):
        assert float(torch.pdist(block).square().mean()) == pytest.approx(1.0, rel=0.01)
        torch.testing.assert_close(block.mean(0), torch.zeros(block.shape[1], dtype=torch.float64), atol=1e-12, rtol=0.0)


def test_proportions_within_a_block_stay() -> None:
    points, _ = scaled()
    ratios = points[:, 8:].std(0) / raw(400)[:, 9:].std(0)
    torch.testing.assert_close(ratios, ratios[:1].expand(6))


def test_columns_share_length_scales_as_their_block_says() -> None:
    _, scale = scaled()
    assert scale.groups.tolist() == [0] * 5 + [1] * 3 + [2] * 3 + [3] * 3


def test_a_block_that_never_differs_has_no_length_scale() -> None:
    rows = raw(50)
    rows[:, 5:9] = 1.0
    scale = input_scale(rows, 5, BLOCKS)
    assert scale.groups.tolist() == [0] * 5 + [1] * 3 + [2] * 3
    assert scale.standardise(rows[:, scale.kept]).shape == (50, 11)


@given(st.integers(0, 100))
def test_latents_come_back(seed: int) -> None:
    _, scale = scaled()
    rows = raw(3, seed)
    points = scale.standardise(rows[:, scale.kept])
    torch.testing.assert_close(scale.restore_latents(points), rows[:, :5])
    torch.testing.assert_close(scale.restore_latents(points[:, :5]), rows[:, :5])


def test_latents_that_never_differ_stay_finite() -> None:
    rows = raw(20)
    rows[:, :5] = 3.0
    scale = input_scale(rows, 5, BLOCKS)
    points = scale.standardise(rows[:, scale.kept])
    assert bool((points[:, :5] == 0.0).all())
