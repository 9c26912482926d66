"""Searching a table of measured architectures from nothing, and how good the best of the first n evaluations is.

The search itself is `models/search`; what it is compared with is in `table_baselines.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.evaluation.measured_space import MeasuredAutoencoder
from models.search.proposal import Direction, Observation, ProposalRequest, Strategy
from models.search.proposer import propose

BUDGETS = (25, 50, 100, 150, 200)
"""After so many evaluations the best value is reported, and after all."""

TableSearch = Callable[[np.ndarray, Direction, int, int, int], list[int]]
"""From the values of a table, their direction, a number of evaluations, a batch size and a seed to rows in the order of search."""


@dataclass(frozen=True, eq=False)
class Curves:
    """The best value among the first n evaluations, `runs x evaluations`; for each run the evaluation that found the table's best
    value, None where none did.
    """

    best: np.ndarray
    found_after: tuple[int | None, ...]

    @property
    def median_found_after(self) -> float | None:
        """The median number of evaluations to the table's best; None where half of the runs or more did not find it."""
        median = float(np.median([np.inf if count is None else count for count in self.found_after]))
        return median if np.isfinite(median) else None

    def median_best(self) -> dict[int, float]:
        """The median over the runs of the best value by the number of evaluations."""
        evaluations = self.best.shape[1]
        counts = sorted({*(budget for budget in BUDGETS if budget <= evaluations), evaluations})
        return {count: float(np.median(self.best[:, count - 1])) for count in counts}


def curves(values: np.ndarray, direction: Direction, orders: Sequence[Sequence[int]]) -> Curves:
    """What runs have found that evaluated the rows of `orders`. A run that stopped early keeps its best."""
    sign = 1.0 if direction == "maximize" else -1.0
    longest = max(len(order) for order in orders)
    found = (np.pad(sign * values[list(order)], (0, longest - len(order)), "edge") for order in orders)
    best = np.maximum.accumulate(np.stack(list(found)), axis=1)
    reached = best >= (sign * values).max()
    return Curves(sign * best, tuple(int(row.argmax()) + 1 if row.any() else None for row in reached))


def search_table(
    autoencoder: MeasuredAutoencoder,
    values: np.ndarray,
    direction: Direction,
    evaluations: int,
    batch: int,
    seed: int,
    strategy: Strategy = "svge",
) -> list[int]:
    """The rows of the table in the order in which a strategy of `models/search` evaluates them, at most `evaluations`.

    `values` belong to the architectures of the autoencoder's space. Fewer come where the space is used up.
    """
    space, order, hyperparameters = autoencoder.space, list[int](), None
    evaluations = min(evaluations, len(values))
    while len(order) < evaluations:
        request = ProposalRequest(
            direction=direction,
            count=min(batch, evaluations - len(order)),
            seed=seed * 1_000_003 + len(order),
            observations=tuple(Observation(space.architectures[row], float(values[row])) for row in order),
            strategy=strategy,
            hyperparameters=hyperparameters,
        )
        proposed = propose(autoencoder, request)
        hyperparameters = proposed.hyperparameters
        if not proposed.proposals:
            break
        order += [space.places[proposal.architecture] for proposal in proposed.proposals]
    return order
