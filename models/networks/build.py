"""From an architecture to a PyTorch network, in the skeleton of its space. The networks are in one file a space."""

from collections.abc import Callable

from torch import nn

from models.architectures.architecture import Architecture
from models.networks import enas_macro, enas_micro, nasbench101, nasbench201
from models.networks.published import PUBLISHED
from models.networks.skeleton import Skeleton
from models.spaces.space import UnknownSpace

_NETWORKS: dict[str, Callable[[Architecture, int, Skeleton], nn.Module]] = {
    "enas_macro": enas_macro.EnasMacroNetwork,
    "enas_micro": enas_micro.EnasMicroNetwork,
    "nasbench101": nasbench101.NasBench101Network,
    "nasbench201": nasbench201.NasBench201Network,
}


def build_network(architecture: Architecture, num_classes: int, skeleton: Skeleton | None = None) -> nn.Module:
    """An untrained network that maps images, `batch x input_channels x height x width`, to logits, `batch x num_classes`.

    Without a skeleton it has the published size of its space, for colour images. A small one for 8x8 grey images is
    `Skeleton(channels=16, stacks=2, input_channels=1)`. Architectures larger than the space's trained size are built as well.

    Raises `InvalidArchitecture` for an architecture outside its space, `UnknownSpace` for a space without networks, and
    `ValueError` for a skeleton that does not fit the architecture.
    """
    if architecture.space not in _NETWORKS:
        raise UnknownSpace(f"no networks for the space '{architecture.space}'; expected one of {', '.join(_NETWORKS)}")
    return _NETWORKS[architecture.space](architecture, num_classes, skeleton or PUBLISHED[architecture.space])
