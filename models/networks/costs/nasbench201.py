"""What networks of NAS-Bench-201 cost; they are built in `models/networks/nasbench201.py`."""

from models.architectures.architecture import Architecture
from models.networks.costs.tally import IMAGE_CHANNELS, IMAGE_SIZE, NUM_CLASSES, Cost, Tally, halved
from models.networks.skeleton import Skeleton

_KERNELS = {"conv1x1": 1, "conv3x3": 3}


def network_cost(architecture: Architecture, skeleton: Skeleton) -> Cost:
    tally = Tally()
    channels, size = skeleton.channels, IMAGE_SIZE
    tally.normalised_convolution(IMAGE_CHANNELS, channels, 3, size)
    kernels = [_KERNELS[label] for label in architecture.nodes if label in _KERNELS]
    for stack in range(skeleton.stacks):
        if stack:
            channels, size = 2 * channels, halved(size)
            tally.normalised_convolution(channels // 2, channels, 3, size)
            tally.normalised_convolution(channels, channels, 3, size)
            tally.convolution(channels // 2, channels, 1, size)
        for kernel in kernels * skeleton.cells_per_stack:
            tally.normalised_convolution(channels, channels, kernel, size)
    tally.normalisation(channels)
    tally.dense(channels, NUM_CLASSES)
    return tally.cost
