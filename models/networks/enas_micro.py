"""Networks of the ENAS micro space: a stem, then stacks of one cell that end in a cell which halves the image, and a classifier.

Pham et al., "Efficient neural architecture search via parameter sharing" (2018), and appendix A.2 of SVGe's paper: six cells and a
reduction cell, three times. One architecture gives both kinds of cell; in the second, operations on cell inputs have stride 2.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from models.architectures.architecture import Architecture
from models.networks.layers import Classifier, add_up, relu_conv_bn
from models.networks.skeleton import Skeleton
from models.spaces.enas_micro import CELL_INPUTS, SUM, EnasMicro


def identity(channels: int, stride: int) -> nn.Module:
    """Nothing at all, or a 1x1 convolution where the image is halved."""
    return nn.Identity() if stride == 1 else relu_conv_bn(channels, channels, 1, stride)


_OPERATIONS: dict[str, Callable[[int, int], nn.Module]] = {
    "conv3x3": lambda channels, stride: relu_conv_bn(channels, channels, 3, stride),
    "conv5x5": lambda channels, stride: relu_conv_bn(channels, channels, 5, stride),
    "avgpool3x3": lambda channels, stride: nn.AvgPool2d(3, stride, padding=1, count_include_pad=False),
    "maxpool3x3": lambda channels, stride: nn.MaxPool2d(3, stride, padding=1),
    "identity": identity,
    SUM: lambda channels, stride: nn.Identity(),
}


class Cell(nn.Module):
    """One cell of a number of channels on the outputs of the two before it, whose channels and strides may differ.

    1x1 convolutions bring both to its channels, and the last but one to the size of the last; what feeds the output is joined by
    another. With `stride` 2 the image is halved, rounding up.
    """

    def __init__(
        self, architecture: Architecture, in_channels: tuple[int, int], channels: int, is_wider: bool, stride: int
    ) -> None:
        super().__init__()
        self.architecture = architecture
        self.inputs = nn.ModuleDict(
            {
                CELL_INPUTS[0]: relu_conv_bn(in_channels[0], channels, 1, stride=2 if is_wider else 1),
                CELL_INPUTS[1]: relu_conv_bn(in_channels[1], channels, 1),
            }
        )
        self.operations = nn.ModuleDict()
        for node, label in enumerate(architecture.nodes):
            if label in _OPERATIONS:
                source = architecture.nodes[architecture.predecessors(node)[0]]
                self.operations[str(node)] = _OPERATIONS[label](channels, stride if source in CELL_INPUTS else 1)
        self.ends = architecture.predecessors(architecture.num_nodes - 1)
        # A cell input that nothing uses feeds the output as it is, so that a reduction has to shrink it as well.
        self.shrink = nn.ModuleDict(
            {str(node): identity(channels, stride) for node in self.ends if architecture.nodes[node] in CELL_INPUTS}
        )
        self.join = relu_conv_bn(len(self.ends) * channels, channels, 1)

    def forward(self, before: Tensor, last: Tensor) -> Tensor:
        """`before` and `last`: `batch x channels x height x width`, the outputs of the last cell but one and of the last."""
        given = {CELL_INPUTS[0]: before, CELL_INPUTS[1]: last}
        values: dict[int, Tensor] = {}
        for node, label in enumerate(self.architecture.nodes):
            if label in CELL_INPUTS:
                values[node] = self.inputs[label](given[label])
            elif label in _OPERATIONS:
                gathered = add_up([values[source] for source in self.architecture.predecessors(node)])
                values[node] = self.operations[str(node)](gathered)
        ends = [self.shrink[str(node)](values[node]) if str(node) in self.shrink else values[node] for node in self.ends]
        joined: Tensor = self.join(torch.cat(ends, dim=1))
        return joined


class EnasMicroNetwork(nn.Module):
    """`batch x input_channels x height x width` to logits, `batch x num_classes`.

    Each of the skeleton's stacks is `cells_per_stack` cells and a reduction, which halves the image and doubles the channels. The
    stem stands for both cells before the first. Raises `InvalidArchitecture` for an architecture outside the space.
    """

    def __init__(self, architecture: Architecture, num_classes: int, skeleton: Skeleton) -> None:
        super().__init__()
        EnasMicro().validate(architecture, architecture.num_nodes)
        channels = skeleton.channels
        self.stem = nn.Sequential(nn.Conv2d(skeleton.input_channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))
        self.cells = nn.ModuleList()
        in_channels, is_wider = (channels, channels), False
        for _ in range(skeleton.stacks):
            for stride in (*[1] * skeleton.cells_per_stack, 2):
                channels *= stride
                self.cells.append(Cell(architecture, in_channels, channels, is_wider, stride))
                in_channels, is_wider = (in_channels[1], channels), stride == 2
        self.classifier = Classifier(channels, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        stem = self.stem(images)
        before, last = stem, stem
        for cell in self.cells:
            before, last = last, cell(before, last)
        logits: Tensor = self.classifier(last)
        return logits
