"""What architectures cost, as the search needs it: within the limits or not, and as an objective."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from models.architectures.architecture import Architecture
from models.networks.costs.published_cost import has_costs, published_cost
from models.search.proposal import COSTS, Limits, ProposalRequest

Costs = npt.NDArray[np.float64]
"""`n x 2`: for each architecture its parameters and multiply-adds, in the order of `COSTS`."""


def costs_of(architectures: Sequence[Architecture]) -> Costs:
    """The costs of architectures in canonical order."""
    counted = [published_cost(architecture) for architecture in architectures]
    rows = [(cost.parameters, cost.multiply_adds) for cost in counted]
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(COSTS))


def largest_costs(limits: Limits) -> Costs | None:
    """The limits in the order of `COSTS`, infinite where there is none; None where there is none at all."""
    given = [getattr(limits, name) for name in COSTS]
    return None if given == [None] * len(COSTS) else np.array([np.inf if limit is None else limit for limit in given])


def check_costs(space: str, request: ProposalRequest) -> None:
    """Raises `ValueError`, naming the field, where a request needs costs and the space has no networks."""
    needed = {
        "limits": largest_costs(request.limits) is not None,
        "further": any(objective.cost is not None for objective in request.further),
    }
    for field, is_needed in needed.items():
        if is_needed and not has_costs(space):
            raise ValueError(f"{field} cannot name costs for '{space}': it has no networks to count them for")
