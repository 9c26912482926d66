"""Which of several outcomes are not dominated: the Pareto set, and the sets beneath it. Without PyTorch, for the service too.

One outcome dominates another when it is at least as good in every objective and better in one.
"""

import numpy as np
import numpy.typing as npt


def non_dominated(outcomes: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """For each row of `outcomes` (`n x m`, all to be maximised) whether none dominates it. Equal rows stand or fall together."""
    mask = np.zeros(len(outcomes), dtype=np.bool_)
    # What dominates has the greater sum of ranks, so that the first of those left is dominated by none.
    ranks = [np.unique(column, return_inverse=True)[1] for column in outcomes.T]
    left = np.argsort(-np.sum(ranks, axis=0), kind="stable") if ranks else np.arange(len(outcomes))
    while len(left):
        first = outcomes[left[0]]
        mask[left[(outcomes[left] == first).all(axis=1)]] = True
        left = left[(outcomes[left] > first).any(axis=1)]
    return mask


def best_first(outcomes: npt.NDArray[np.float64], wanted: int) -> list[int]:
    """The rows of the Pareto set, then those that are not dominated without it, and so on, until there are `wanted` of them.

    All numbers must be finite. The last set is cut: its rows are in the order of their places.
    """
    left = np.arange(len(outcomes))
    order: list[int] = []
    while len(left) and len(order) < wanted:
        mask = non_dominated(outcomes[left])
        order += left[mask].tolist()
        left = left[~mask]
    return order[:wanted]
