"""Networks of NAS-Bench-101: a stem, stacks of one repeated cell with max pooling between them, and a classifier.

Ying et al., "NAS-Bench-101: towards reproducible neural architecture search" (2019), appendix A: the channels of a vertex, the
projections of the cell's input and the truncation of wide vertices are theirs, so the parameter counts are the published ones.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from models.architectures.architecture import Architecture
from models.networks.layers import Classifier, add_up, conv_bn_relu
from models.networks.skeleton import Skeleton
from models.networks.vertex_channels import vertex_channels
from models.spaces.nasbench101 import NasBench101

_OPERATIONS: dict[str, Callable[[int], nn.Module]] = {
    "conv1x1": lambda channels: conv_bn_relu(channels, channels, 1),
    "conv3x3": lambda channels: conv_bn_relu(channels, channels, 3),
    "maxpool3x3": lambda channels: nn.MaxPool2d(3, stride=1, padding=1),
}


class Cell(nn.Module):
    """One cell: `batch x in_channels x height x width` to `batch x out_channels x height x width`.

    The cell's input reaches a node, or the output, through a 1x1 projection of its own; a node adds up what reaches it, cut to
    its own width; the output concatenates what feeds it and adds the projected input where the cell has that edge.
    """

    def __init__(self, architecture: Architecture, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.architecture = architecture
        self.channels = vertex_channels(architecture, in_channels, out_channels)
        self.projections = nn.ModuleDict(
            {str(node): conv_bn_relu(in_channels, self.channels[node], 1) for node in architecture.successors(0)}
        )
        self.operations = nn.ModuleDict(
            {
                str(node): _OPERATIONS[label](self.channels[node])
                for node, label in enumerate(architecture.nodes)
                if 0 < node < architecture.num_nodes - 1
            }
        )

    def forward(self, inputs: Tensor) -> Tensor:
        last = self.architecture.num_nodes - 1
        values: dict[int, Tensor] = {}
        for node in range(1, last):
            terms = [values[source][:, : self.channels[node]] for source in self.architecture.predecessors(node) if source]
            if str(node) in self.projections:
                terms.append(self.projections[str(node)](inputs))
            values[node] = self.operations[str(node)](add_up(terms))
        feeding = [values[source] for source in self.architecture.predecessors(last) if source]
        outputs = [torch.cat(feeding, dim=1)] if feeding else []
        if str(last) in self.projections:
            outputs.append(self.projections[str(last)](inputs))
        return add_up(outputs)


class NasBench101Network(nn.Module):
    """`batch x input_channels x height x width` to logits, `batch x num_classes`.

    The order of nodes that feed the output decides who gets the odd channel, as in the published tables; canonical forms of
    isomorphic cells give equal networks. Raises `InvalidArchitecture` for anything but a cell of the space, of any number of nodes.
    """

    def __init__(self, architecture: Architecture, num_classes: int, skeleton: Skeleton) -> None:
        super().__init__()
        NasBench101().validate(architecture, max_nodes=architecture.num_nodes)
        channels = skeleton.channels
        self.stem = conv_bn_relu(skeleton.input_channels, channels, 3)
        parts: list[nn.Module] = []
        for stack in range(skeleton.stacks):
            width = skeleton.channels * 2**stack
            if stack:
                parts.append(nn.MaxPool2d(2, ceil_mode=True))
            for _ in range(skeleton.cells_per_stack):
                parts.append(Cell(architecture, channels, width))
                channels = width
        self.body = nn.Sequential(*parts)
        self.classifier = Classifier(channels, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.body(self.stem(images)))
        return logits
