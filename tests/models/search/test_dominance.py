"""The Pareto set against its definition and BoTorch's."""

import numpy as np
import torch
from botorch.utils.multi_objective.pareto import is_non_dominated
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from models.search.dominance import best_first, non_dominated

SHAPES = array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=12).filter(lambda shape: 1 <= shape[1] <= 3)
COARSE = arrays(np.float64, SHAPES, elements=st.sampled_from([-1e300, -1.0, 0.0, 1.0, 2.0, 1e300]))


@given(COARSE)
def test_the_pareto_set_by_its_definition(outcomes: np.ndarray) -> None:
    def dominates(one: np.ndarray, other: np.ndarray) -> bool:
        return bool((one >= other).all() and (one > other).any())

    expected = [not any(dominates(one, other) for one in outcomes) for other in outcomes]
    assert non_dominated(outcomes).tolist() == expected


def test_the_pareto_set_of_many_is_that_of_botorch() -> None:
    outcomes = np.random.default_rng(0).normal(size=(3000, 3))
    expected = is_non_dominated(torch.from_numpy(outcomes)).numpy()
    np.testing.assert_array_equal(non_dominated(outcomes), expected)


@given(COARSE, st.integers(0, 15))
def test_best_first_goes_set_by_set(outcomes: np.ndarray, wanted: int) -> None:
    order = best_first(outcomes, wanted)
    assert len(order) == len(set(order)) == min(wanted, len(outcomes))
    left = np.ones(len(outcomes), dtype=bool)
    while order:
        front = np.flatnonzero(left)[non_dominated(outcomes[left])]
        chosen, order = order[: len(front)], order[len(front) :]
        assert chosen == front[: len(chosen)].tolist()
        left[front] = False
