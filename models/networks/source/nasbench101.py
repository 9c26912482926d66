"""The source of networks of NAS-Bench-101, as `models/networks/nasbench101.py` builds them."""

from models.architectures.architecture import Architecture
from models.networks.skeleton import Skeleton
from models.networks.source.layout import call, class_text, joined, listing, network_text
from models.networks.source.parts import part
from models.networks.vertex_channels import vertex_channels
from models.spaces.nasbench101 import NasBench101

_OPERATIONS = {
    "conv1x1": "conv_bn_relu({width}, {width}, 1)",
    "conv3x3": "conv_bn_relu({width}, {width}, 3)",
    "maxpool3x3": "nn.MaxPool2d(3, stride=1, padding=1)",
}
_SHARED = "# The nodes that feed the output share its channels; what does not divide evenly goes to the first of them."


def definitions(architecture: Architecture, skeleton: Skeleton) -> list[str]:
    """The functions and classes of the module. Raises `InvalidArchitecture`, and `ValueError` for a skeleton that is too narrow."""
    NasBench101().validate(architecture, max_nodes=architecture.num_nodes)
    vertex_channels(architecture, skeleton.channels, skeleton.channels)  # refuses what has too few channels
    cell = _Cell(architecture, is_even=_is_even(architecture, skeleton)).text()
    return [part("layers", "conv_bn_relu"), part("layers", "Classifier"), cell, _network(skeleton)]


class _Cell:
    """The class of one cell. `is_even`: the channels of the output divide evenly among the nodes that feed it, in every stack."""

    def __init__(self, architecture: Architecture, is_even: bool) -> None:
        self.architecture = architecture
        self.last = architecture.num_nodes - 1
        self.feeding = [node for node in architecture.predecessors(self.last) if node]
        self.width_of = self._widths(is_even)

    def text(self) -> str:
        graph = self.architecture
        parts = self._width_lines()
        for node in graph.successors(0):
            parts.append(f"{self._projection(node)} = conv_bn_relu(in_channels, {self.width_of[node]}, 1)")
        for node in range(1, self.last):
            operation = _OPERATIONS[graph.nodes[node]].format(width=self.width_of[node])
            parts.append(f"{self._operation(node)} = {operation}")
        steps = [call(f"node{node} = {self._operation(node)}", self._gathered(node)) for node in range(1, self.last)]
        outputs = [joined([f"node{node}" for node in self.feeding])] if self.feeding else []
        outputs += [f"{self._projection(self.last)}(x)"] if (0, self.last) in graph.edges else []
        return class_text(
            "Cell",
            "`batch x in_channels x height x width` to `batch x out_channels x height x width`.",
            "in_channels: int, out_channels: int",
            parts,
            "x: Tensor",
            [*steps, f"return {' + '.join(outputs)}"],
        )

    def _widths(self, is_even: bool) -> dict[int, str]:
        """What the width of each node is called: that of the first node it reaches which feeds the output, the widest of them."""
        names = {self.last: "out_channels"}
        if len(self.feeding) < 2 or is_even:
            name = "out_channels" if len(self.feeding) < 2 else "channels"
            return names | dict.fromkeys(range(1, self.last), name)
        first = {node: place for place, node in enumerate(self.feeding)}
        for node in range(self.last - 1, 0, -1):
            if node not in self.feeding:
                first[node] = min(first[target] for target in self.architecture.successors(node))
        return names | {node: f"width{self.feeding[place]}" for node, place in first.items()}

    def _width_lines(self) -> list[str]:
        """What defines the names of the widths, and keeps those that `forward` needs."""
        count, names = len(self.feeding), [self.width_of[node] for node in self.feeding]
        if count < 2:
            return []
        if len(set(names)) == 1:
            return [f"{names[0]} = out_channels // {count}"]
        shares = f"(out_channels // {count} + (place < out_channels % {count}) for place in range({count}))"
        kept = {self.width_of[node] for source, node in self.architecture.edges if self._is_cut(source, node)}
        return [_SHARED, f"{', '.join(names)} = {shares}", *(f"self.{name} = {name}" for name in names if name in kept)]

    def _is_cut(self, source: int, node: int) -> bool:
        return source > 0 and node < self.last and self.width_of[source] != self.width_of[node]

    def _gathered(self, node: int) -> str:
        """The sum of what reaches a node, cut to its width."""
        terms = [
            f"node{source}[:, : self.{self.width_of[node]}]" if self._is_cut(source, node) else f"node{source}"
            for source in self.architecture.predecessors(node)
            if source
        ]
        if (0, node) in self.architecture.edges:
            terms.append(f"{self._projection(node)}(x)")
        return " + ".join(terms)

    def _operation(self, node: int) -> str:
        return f"self.{self.architecture.nodes[node]}_{node}"

    def _projection(self, node: int) -> str:
        return "self.input_to_output" if node == self.last else f"self.input_to_{node}"


def _is_even(architecture: Architecture, skeleton: Skeleton) -> bool:
    """Whether the channels of the output divide evenly in every stack; the first has the fewest, and each doubles them."""
    feeding = [node for node in architecture.predecessors(architecture.num_nodes - 1) if node]
    return not feeding or skeleton.channels % len(feeding) == 0


def _network(skeleton: Skeleton) -> str:
    body, channels = [], skeleton.channels
    for stack in range(skeleton.stacks):
        width = skeleton.channels * 2**stack
        if stack:
            body.append("nn.MaxPool2d(2, ceil_mode=True)")
        body += [f"Cell({channels}, {width})", *[f"Cell({width}, {width})"] * (skeleton.cells_per_stack - 1)]
        channels = width
    parts = [
        f"self.stem = conv_bn_relu(input_channels, {skeleton.channels}, 3)",
        listing("self.body = nn.Sequential(", body, ")"),
        f"self.classifier = Classifier({channels}, num_classes)",
    ]
    return network_text(skeleton, parts, ["return self.classifier(self.body(self.stem(images)))"])
