"""The source of networks of the ENAS macro space, as `models/networks/enas_macro.py` builds them."""

from models.architectures.architecture import Architecture
from models.networks.macro_reductions import reduced_layers
from models.networks.skeleton import Skeleton
from models.networks.source.layout import call, joined, network_text, stem
from models.networks.source.parts import part
from models.spaces.enas_macro import EnasMacro

_POOLED = "nn.Sequential(conv_bn_relu({channels}, {channels}, 1), "
_OPERATIONS = {
    "conv3x3": "convolution({channels}, 3)",
    "conv5x5": "convolution({channels}, 5)",
    "sep_conv3x3": "separable_convolution({channels}, 3)",
    "sep_conv5x5": "separable_convolution({channels}, 5)",
    "avg_pool3x3": _POOLED + "nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False))",
    "max_pool3x3": _POOLED + "nn.MaxPool2d(3, stride=1, padding=1))",
}


def definitions(architecture: Architecture, skeleton: Skeleton) -> list[str]:
    """The functions and classes of the module. Raises `InvalidArchitecture`, and `ValueError` for a skeleton that does not fit."""
    num_layers = architecture.num_nodes - 2
    EnasMacro(num_layers=num_layers).validate(architecture)
    ends = reduced_layers(num_layers, skeleton)
    network = _network(architecture, skeleton, ends)
    parts = [part("layers", "conv_bn_relu")]
    if num_layers > 1:
        parts.append(part("layers", "relu_conv_bn"))
    for name in ("convolution", "separable_convolution"):
        if f" {name}(" in network:
            parts.append(part("enas_macro", name))
    if ends:
        parts.append(part("enas_macro", "FactorizedReduction"))
    return [*parts, part("layers", "Classifier"), network]


def _network(architecture: Architecture, skeleton: Skeleton, ends: frozenset[int]) -> str:
    channels, last = skeleton.channels, architecture.num_nodes - 2
    layers, reductions, steps = [stem(channels)], [], ["x0 = self.stem(images)"]
    for layer in range(1, last + 1):
        layers += _layer_parts(architecture, layer, channels)
        steps.append(_layer_step(architecture, layer))
        if layer in ends:
            alive = [node for node in range(layer + 1) if max(architecture.successors(node)) > layer]
            reductions += [f"self.reduce{layer}_{node} = FactorizedReduction({channels})" for node in alive]
            steps += [f"x{node} = self.reduce{layer}_{node}(x{node})" for node in alive]
            channels *= 2
    parts = [*layers, *reductions, f"self.classifier = Classifier({channels}, num_classes)"]
    return network_text(skeleton, parts, [*steps, f"return self.classifier(x{last})"])


def _layer_parts(architecture: Architecture, layer: int, channels: int) -> list[str]:
    parts = [f"self.layer{layer} = {_OPERATIONS[architecture.nodes[layer]].format(channels=channels)}"]
    if layer > 1:
        count = len(architecture.predecessors(layer))
        width = f"{channels}" if count == 1 else f"{count} * {channels}"
        parts.append(f"self.join{layer} = relu_conv_bn({width}, {channels}, 1)")
    return parts


def _layer_step(architecture: Architecture, layer: int) -> str:
    skips = [f"x{source}" for source in architecture.predecessors(layer) if source != layer - 1]
    values = joined([*skips, f"self.layer{layer}(x{layer - 1})"])
    return f"x{layer} = {values}" if layer == 1 else call(f"x{layer} = self.join{layer}", values)
