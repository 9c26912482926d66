"""What networks of the ENAS macro space cost; they are built in `models/networks/enas_macro.py`."""

from models.architectures.architecture import Architecture
from models.networks.costs.tally import IMAGE_CHANNELS, IMAGE_SIZE, NUM_CLASSES, Cost, Tally, halved
from models.networks.macro_reductions import reduced_layers
from models.networks.skeleton import Skeleton

_DENSE_KERNELS = {"conv3x3": 3, "conv5x5": 5}
_SEPARABLE_KERNELS = {"sep_conv3x3": 3, "sep_conv5x5": 5}


def network_cost(architecture: Architecture, skeleton: Skeleton) -> Cost:
    tally = Tally()
    channels, size, num_layers = skeleton.channels, IMAGE_SIZE, architecture.num_nodes - 2
    tally.normalised_convolution(IMAGE_CHANNELS, channels, 3, size)
    last_use = [max(architecture.successors(node), default=node) for node in range(num_layers + 1)]
    ends = reduced_layers(num_layers, skeleton)
    for layer in range(1, num_layers + 1):
        _add_operation(tally, architecture.nodes[layer], channels, size)
        if layer > 1:
            tally.normalised_convolution(len(architecture.predecessors(layer)) * channels, channels, 1, size)
        if layer in ends:
            size = halved(size)
            for _ in range(sum(last_use[node] > layer for node in range(layer + 1))):
                tally.normalised_convolution(channels, 2 * channels, 1, size)
            channels *= 2
    tally.dense(channels, NUM_CLASSES)
    return tally.cost


def _add_operation(tally: Tally, label: str, channels: int, size: int) -> None:
    tally.normalised_convolution(channels, channels, 1, size)
    if label in _DENSE_KERNELS:
        tally.normalised_convolution(channels, channels, _DENSE_KERNELS[label], size)
    elif label in _SEPARABLE_KERNELS:
        tally.convolution(1, channels, _SEPARABLE_KERNELS[label], size)
        tally.normalised_convolution(channels, channels, 1, size)
