"""What networks of NAS-Bench-101 cost; they are built in `models/networks/nasbench101.py`."""

from models.architectures.architecture import Architecture
from models.networks.costs.tally import IMAGE_CHANNELS, IMAGE_SIZE, NUM_CLASSES, Cost, Tally, halved
from models.networks.skeleton import Skeleton
from models.networks.vertex_channels import vertex_channels

_KERNELS = {"conv1x1": 1, "conv3x3": 3}


def network_cost(architecture: Architecture, skeleton: Skeleton) -> Cost:
    tally = Tally()
    channels, size = skeleton.channels, IMAGE_SIZE
    tally.normalised_convolution(IMAGE_CHANNELS, channels, 3, size)
    for stack in range(skeleton.stacks):
        width = skeleton.channels * 2**stack
        size = halved(size) if stack else size
        for _ in range(skeleton.cells_per_stack):
            _add_cell(tally, architecture, channels, width, size)
            channels = width
    tally.dense(channels, NUM_CLASSES)
    return tally.cost


def _add_cell(tally: Tally, architecture: Architecture, in_channels: int, out_channels: int, size: int) -> None:
    channels = vertex_channels(architecture, in_channels, out_channels)
    for node in architecture.successors(0):
        tally.normalised_convolution(in_channels, channels[node], 1, size)
    for node, label in enumerate(architecture.nodes):
        if label in _KERNELS:
            tally.normalised_convolution(channels[node], channels[node], _KERNELS[label], size)
