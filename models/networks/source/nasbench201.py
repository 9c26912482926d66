"""The source of networks of NAS-Bench-201, as `models/networks/nasbench201.py` builds them."""

from models.architectures.architecture import Architecture
from models.networks.skeleton import Skeleton
from models.networks.source.layout import class_text, listing, network_text, stem
from models.networks.source.parts import part
from models.spaces.nasbench201 import NasBench201

_OPERATIONS = {
    "conv1x1": "relu_conv_bn(channels, channels, 1)",
    "conv3x3": "relu_conv_bn(channels, channels, 3)",
    "avgpool3x3": "nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)",
}


def definitions(architecture: Architecture, skeleton: Skeleton) -> list[str]:
    """The functions and classes of the module. Raises `InvalidArchitecture`."""
    NasBench201().validate(architecture)
    return [
        part("layers", "relu_conv_bn"),
        part("layers", "Classifier"),
        part("nasbench201", "ReductionBlock"),
        _cell(architecture),
        _network(skeleton),
    ]


def _cell(architecture: Architecture) -> str:
    parts, steps = [], []
    for node, label in enumerate(architecture.nodes[1:-1], start=1):
        gathered = _sum(architecture, node)
        if label in _OPERATIONS:
            parts.append(f"self.{label}_{node} = {_OPERATIONS[label]}")
            steps.append(f"node{node} = self.{label}_{node}({gathered})")
        elif label == "skip":
            steps.append(f"node{node} = {gathered}  # {label}")
        else:
            factor = f"({gathered})" if "+" in gathered else gathered
            steps.append(f"node{node} = {factor} * 0.0  # {label}")
    return class_text(
        "Cell",
        "Keeps the shape `batch x channels x height x width`.",
        "channels: int",
        parts,
        "x: Tensor",
        [*steps, f"return {_sum(architecture, architecture.num_nodes - 1)}"],
    )


def _sum(architecture: Architecture, node: int) -> str:
    return " + ".join(f"node{source}" if source else "x" for source in architecture.predecessors(node))


def _network(skeleton: Skeleton) -> str:
    body, channels = [], skeleton.channels
    for stack in range(skeleton.stacks):
        if stack:
            body.append(f"ReductionBlock({channels})")
            channels *= 2
        count = skeleton.cells_per_stack
        body.append(f"Cell({channels})" if count == 1 else f"*(Cell({channels}) for _ in range({count}))")
    body += [f"nn.BatchNorm2d({channels})", "nn.ReLU()"]
    parts = [
        stem(skeleton.channels),
        listing("self.body = nn.Sequential(", body, ")"),
        f"self.classifier = Classifier({channels}, num_classes)",
    ]
    return network_text(skeleton, parts, ["return self.classifier(self.body(self.stem(images)))"])
