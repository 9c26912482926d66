"""Networks of the ENAS macro space: a stem, the chain of layers with skip connections and two or more reductions, a classifier.

Pham et al., "Efficient neural architecture search via parameter sharing" (2018): the operations of its search, and the joining of
skips by concatenation and a 1x1 convolution as when a fixed architecture is trained from scratch.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.architectures.architecture import Architecture
from models.networks.layers import Classifier, conv_bn_relu, relu_conv_bn
from models.networks.macro_reductions import reduced_layers
from models.networks.skeleton import Skeleton
from models.spaces.enas_macro import EnasMacro


def convolution(channels: int, kernel: int) -> nn.Sequential:
    """A 1x1 convolution and one of another size."""
    return nn.Sequential(conv_bn_relu(channels, channels, 1), conv_bn_relu(channels, channels, kernel))


def separable_convolution(channels: int, kernel: int) -> nn.Sequential:
    """A 1x1 convolution and a separable one: each channel by itself, then a 1x1 convolution."""
    return nn.Sequential(
        conv_bn_relu(channels, channels, 1),
        nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels, bias=False),
        conv_bn_relu(channels, channels, 1),
    )


_OPERATIONS: dict[str, Callable[[int], nn.Module]] = {
    "conv3x3": lambda channels: convolution(channels, 3),
    "sep_conv3x3": lambda channels: separable_convolution(channels, 3),
    "conv5x5": lambda channels: convolution(channels, 5),
    "sep_conv5x5": lambda channels: separable_convolution(channels, 5),
    "avg_pool3x3": lambda channels: nn.Sequential(
        conv_bn_relu(channels, channels, 1), nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
    ),
    "max_pool3x3": lambda channels: nn.Sequential(conv_bn_relu(channels, channels, 1), nn.MaxPool2d(3, stride=1, padding=1)),
}


class Layer(nn.Module):
    """An operation on the layer before; after it, in all layers but the first, a 1x1 convolution joins its result and the skips."""

    def __init__(self, label: str, num_skips: int, channels: int, is_first: bool) -> None:
        super().__init__()
        self.operation = _OPERATIONS[label](channels)
        self.join = nn.Identity() if is_first else relu_conv_bn((num_skips + 1) * channels, channels, 1)

    def forward(self, previous: Tensor, skips: list[Tensor]) -> Tensor:
        joined: Tensor = self.join(torch.cat([*skips, self.operation(previous)], dim=1))
        return joined


class FactorizedReduction(nn.Module):
    """Halve the image (rounding up) and double the channels: half of them from the even pixels, half from the odd ones."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.even = nn.Conv2d(channels, channels, 1, bias=False)
        self.odd = nn.Conv2d(channels, channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(2 * channels)

    def forward(self, images: Tensor) -> Tensor:
        shifted = functional.pad(images, (0, 1, 0, 1))[:, :, 1::2, 1::2]
        halved: Tensor = self.norm(torch.cat([self.even(images[:, :, ::2, ::2]), self.odd(shifted)], dim=1))
        return halved


class EnasMacroNetwork(nn.Module):
    """`batch x input_channels x height x width` to logits, `batch x num_classes`, for any number of layers.

    After every `num_layers // stacks` layers all values that later layers still need are reduced, each by weights of its own.
    Raises `InvalidArchitecture` for an architecture outside the space and `ValueError` for a skeleton that does not fit it.
    """

    def __init__(self, architecture: Architecture, num_classes: int, skeleton: Skeleton) -> None:
        super().__init__()
        num_layers = architecture.num_nodes - 2
        EnasMacro(num_layers=num_layers).validate(architecture)
        ends = reduced_layers(num_layers, skeleton)
        self.architecture = architecture
        channels = skeleton.channels
        self.stem = nn.Sequential(nn.Conv2d(skeleton.input_channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))
        self.layers = nn.ModuleList()
        self.reductions = nn.ModuleDict()
        self.alive: dict[int, list[int]] = {}
        for layer in range(1, num_layers + 1):
            num_skips = len(architecture.predecessors(layer)) - 1
            self.layers.append(Layer(architecture.nodes[layer], num_skips, channels, is_first=layer == 1))
            if layer in ends:
                self.alive[layer] = [node for node in range(layer + 1) if max(architecture.successors(node)) > layer]
                self.reductions.update({f"{layer}-{node}": FactorizedReduction(channels) for node in self.alive[layer]})
                channels *= 2
        self.classifier = Classifier(channels, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        values: dict[int, Tensor] = {0: self.stem(images)}
        for number, layer in enumerate(self.layers, start=1):
            skips = [values[source] for source in self.architecture.predecessors(number) if source != number - 1]
            values[number] = layer(values[number - 1], skips)
            if number in self.alive:
                values = {node: self.reductions[f"{number}-{node}"](values[node]) for node in self.alive[number]}
        logits: Tensor = self.classifier(values[len(self.layers)])
        return logits
