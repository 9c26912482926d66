"""What networks of the ENAS micro space cost; they are built in `models/networks/enas_micro.py`."""

from models.architectures.architecture import Architecture
from models.networks.costs.tally import IMAGE_CHANNELS, IMAGE_SIZE, NUM_CLASSES, Cost, Tally, halved
from models.networks.skeleton import Skeleton
from models.spaces.enas_micro import CELL_INPUTS

_KERNELS = {"conv3x3": 3, "conv5x5": 5}


def network_cost(architecture: Architecture, skeleton: Skeleton) -> Cost:
    tally = Tally()
    channels, size = skeleton.channels, IMAGE_SIZE
    tally.normalised_convolution(IMAGE_CHANNELS, channels, 3, size)
    before = last = channels
    for _ in range(skeleton.stacks):
        for stride in (*[1] * skeleton.cells_per_stack, 2):
            channels *= stride
            _add_cell(tally, architecture, (before, last), channels, size, stride)
            size = halved(size) if stride == 2 else size
            before, last = last, channels
    tally.dense(channels, NUM_CLASSES)
    return tally.cost


def _add_cell(
    tally: Tally, architecture: Architecture, in_channels: tuple[int, int], channels: int, size: int, stride: int
) -> None:
    """`size` is that of the last cell's output."""
    for width in in_channels:
        tally.normalised_convolution(width, channels, 1, size)
    small = halved(size) if stride == 2 else size
    for node, label in enumerate(architecture.nodes):
        if label in _KERNELS:
            # On cell inputs a reduction's operations halve the image; behind these it is halved already.
            tally.normalised_convolution(channels, channels, _KERNELS[label], small)
        elif label == "identity" and stride == 2 and architecture.nodes[architecture.predecessors(node)[0]] in CELL_INPUTS:
            tally.normalised_convolution(channels, channels, 1, small)
    ends = architecture.predecessors(architecture.num_nodes - 1)
    if stride == 2:
        for _ in range(sum(architecture.nodes[node] in CELL_INPUTS for node in ends)):
            tally.normalised_convolution(channels, channels, 1, small)
    tally.normalised_convolution(len(ends) * channels, channels, 1, small)
