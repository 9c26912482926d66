"""Networks of NAS-Bench-201: a stem, stacks of one repeated cell with residual blocks between them, a classifier.

Dong & Yang, "NAS-Bench-201: extending the scope of reproducible neural architecture search" (2020).
"""

from collections.abc import Callable

from torch import Tensor, nn

from models.architectures.architecture import Architecture
from models.networks.layers import Classifier, add_up, relu_conv_bn
from models.networks.skeleton import Skeleton
from models.spaces.nasbench201 import NasBench201


class Zero(nn.Module):
    """The operation `none`: zeros of the same shape."""

    def forward(self, images: Tensor) -> Tensor:
        return images * 0.0


_OPERATIONS: dict[str, Callable[[int], nn.Module]] = {
    "none": lambda channels: Zero(),
    "skip": lambda channels: nn.Identity(),
    "conv1x1": lambda channels: relu_conv_bn(channels, channels, 1),
    "conv3x3": lambda channels: relu_conv_bn(channels, channels, 3),
    "avgpool3x3": lambda channels: nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False),
}


class Cell(nn.Module):
    """One cell, which keeps the shape `batch x channels x height x width`.

    The architecture is the line graph of the published cell: an operation acts on the sum of what its predecessors give, which is
    the sum that the published cell forms at the node between them.
    """

    def __init__(self, architecture: Architecture, channels: int) -> None:
        super().__init__()
        self.architecture = architecture
        self.operations = nn.ModuleList(_OPERATIONS[label](channels) for label in architecture.nodes[1:-1])

    def forward(self, images: Tensor) -> Tensor:
        values = [images]
        for node, operation in enumerate(self.operations, start=1):
            values.append(operation(self._gather(values, node)))
        return self._gather(values, self.architecture.num_nodes - 1)

    def _gather(self, values: list[Tensor], node: int) -> Tensor:
        return add_up([values[source] for source in self.architecture.predecessors(node)])


class ReductionBlock(nn.Module):
    """A residual block that halves the image (rounding up) and doubles the channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            relu_conv_bn(channels, 2 * channels, 3, stride=2), relu_conv_bn(2 * channels, 2 * channels, 3)
        )
        self.shortcut = nn.Sequential(nn.AvgPool2d(2, ceil_mode=True), nn.Conv2d(channels, 2 * channels, 1, bias=False))

    def forward(self, images: Tensor) -> Tensor:
        halved: Tensor = self.shortcut(images) + self.convolutions(images)
        return halved


class NasBench201Network(nn.Module):
    """`batch x input_channels x height x width` to logits, `batch x num_classes`.

    Raises `InvalidArchitecture` for an architecture outside the space.
    """

    def __init__(self, architecture: Architecture, num_classes: int, skeleton: Skeleton) -> None:
        super().__init__()
        NasBench201().validate(architecture)
        channels = skeleton.channels
        self.stem = nn.Sequential(nn.Conv2d(skeleton.input_channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))
        parts: list[nn.Module] = []
        for stack in range(skeleton.stacks):
            if stack:
                parts.append(ReductionBlock(channels))
                channels *= 2
            parts += [Cell(architecture, channels) for _ in range(skeleton.cells_per_stack)]
        self.body = nn.Sequential(*parts, nn.BatchNorm2d(channels), nn.ReLU())
        self.classifier = Classifier(channels, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.body(self.stem(images)))
        return logits
