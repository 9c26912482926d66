"""What an architecture costs at the published size of its space, counted from the graph: no network is built."""

from collections.abc import Callable
from functools import lru_cache

from models.architectures.architecture import Architecture
from models.networks.costs import enas_macro, enas_micro, nasbench101, nasbench201
from models.networks.costs.tally import Cost
from models.networks.published import PUBLISHED
from models.networks.skeleton import Skeleton

_COUNTED: dict[str, Callable[[Architecture, Skeleton], Cost]] = {
    "enas_macro": enas_macro.network_cost,
    "enas_micro": enas_micro.network_cost,
    "nasbench101": nasbench101.network_cost,
    "nasbench201": nasbench201.network_cost,
}


def has_costs(space: str) -> bool:
    """Whether there are networks for the space of this name; there are none for custom spaces."""
    return space in _COUNTED


@lru_cache(maxsize=4096)
def published_cost(architecture: Architecture) -> Cost:
    """The cost of the network that `build_network` makes of an architecture in canonical order, for 32 x 32 colour images and ten
    classes. Raises `KeyError` for a space without networks.
    """
    return _COUNTED[architecture.space](architecture, PUBLISHED[architecture.space])
