"""The source of networks of the ENAS micro space, as `models/networks/enas_micro.py` builds them."""

from models.architectures.architecture import Architecture
from models.networks.skeleton import Skeleton
from models.networks.source.layout import call, class_text, joined, listing, network_text, stem
from models.networks.source.parts import part
from models.spaces.enas_micro import CELL_INPUTS, OPERATIONS, SUM, EnasMicro

_OPERATIONS = {
    "conv3x3": "relu_conv_bn(channels, channels, 3, {stride})",
    "conv5x5": "relu_conv_bn(channels, channels, 5, {stride})",
    "avgpool3x3": "nn.AvgPool2d(3, {stride}, padding=1, count_include_pad=False)",
    "maxpool3x3": "nn.MaxPool2d(3, {stride}, padding=1)",
    "identity": "identity(channels, {stride})",
}


def definitions(architecture: Architecture, skeleton: Skeleton) -> list[str]:
    """The functions and classes of the module. Raises `InvalidArchitecture`."""
    EnasMicro().validate(architecture, architecture.num_nodes)
    cell = _Cell(architecture).text()
    parts = [part("layers", "relu_conv_bn")]
    if " identity(" in cell:
        parts.append(part("enas_micro", "identity"))
    return [*parts, part("layers", "Classifier"), cell, _network(skeleton)]


class _Cell:
    """The class of one cell. Operations stand in the sums that they feed."""

    def __init__(self, architecture: Architecture) -> None:
        self.architecture = architecture

    def text(self) -> str:
        labels, ends = self.architecture.nodes, self.architecture.predecessors(self.architecture.num_nodes - 1)
        parts = [
            f"self.{CELL_INPUTS[0]} = relu_conv_bn(before_channels, channels, 1, before_stride)",
            f"self.{CELL_INPUTS[1]} = relu_conv_bn(last_channels, channels, 1)",
        ]
        parts += [
            f"self.{label}_{node} = {_OPERATIONS[label].format(stride='stride' if self._is_strided(node) else 'stride=1')}"
            for node, label in enumerate(labels)
            if label in OPERATIONS and not self._is_nothing(node)
        ]
        shrunk = [labels[node] for node in ends if labels[node] in CELL_INPUTS]
        parts += [f"self.shrink_{label} = identity(channels, stride)" for label in shrunk]
        width = "channels" if len(ends) == 1 else f"{len(ends)} * channels"
        parts.append(f"self.join = relu_conv_bn({width}, channels, 1)")
        outputs = [
            f"self.shrink_{labels[node]}({self._value(node)})" if labels[node] in CELL_INPUTS else self._value(node)
            for node in ends
        ]
        return class_text(
            "Cell",
            "From the outputs of the last cell but one and of the last; a `stride` of 2 halves the image, rounding up.",
            "before_channels: int, last_channels: int, channels: int, before_stride: int = 1, stride: int = 1",
            parts,
            "before: Tensor, last: Tensor",
            [*self._steps(), call("return self.join", joined(outputs))],
        )

    def _steps(self) -> list[str]:
        given = dict(zip(CELL_INPUTS, ("before", "last"), strict=True))
        steps = []
        for node, label in enumerate(self.architecture.nodes):
            if label in given:
                steps.append(f"{label} = self.{label}({given[label]})")
            elif label == SUM:
                terms = [self._value(operation) for operation in self.architecture.predecessors(node)]
                steps.append(f"node{node} = {' + '.join(terms)}")
        return steps

    def _value(self, node: int) -> str:
        """What gives the value of a node."""
        label = self.architecture.nodes[node]
        if label not in OPERATIONS:
            return label if label in CELL_INPUTS else f"node{node}"
        source = self._value(self.architecture.predecessors(node)[0])
        return source if self._is_nothing(node) else f"self.{label}_{node}({source})"

    def _is_strided(self, node: int) -> bool:
        """Whether an operation halves the image in a cell that does."""
        return self.architecture.nodes[self.architecture.predecessors(node)[0]] in CELL_INPUTS

    def _is_nothing(self, node: int) -> bool:
        return self.architecture.nodes[node] == "identity" and not self._is_strided(node)


def _network(skeleton: Skeleton) -> str:
    channels = skeleton.channels
    before, last, is_wider = channels, channels, False
    cells = []
    for _ in range(skeleton.stacks):
        for stride in (*[1] * skeleton.cells_per_stack, 2):
            channels *= stride
            arguments = [f"{before}, {last}, {channels}"]
            arguments += ["before_stride=2"] if is_wider else []
            arguments += ["stride=2"] if stride == 2 else []
            cells.append(f"Cell({', '.join(arguments)})")
            before, last, is_wider = last, channels, stride == 2
    parts = [
        stem(skeleton.channels),
        listing("self.cells = nn.ModuleList(\n    [", [f"    {cell}" for cell in cells], "    ]\n)"),
        f"self.classifier = Classifier({channels}, num_classes)",
    ]
    steps = ["before = last = self.stem(images)", "for cell in self.cells:", "    before, last = last, cell(before, last)"]
    return network_text(skeleton, parts, [*steps, "return self.classifier(last)"])
