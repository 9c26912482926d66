"""The small parts that networks of several spaces share.

Images are `batch x channels x height x width`. Convolutions keep the size of the image, have no bias (a batch normalisation
follows each), and start from PyTorch's default weights, so that `torch.manual_seed` fixes a network.
"""

from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor, nn


def conv_bn_relu(in_channels: int, out_channels: int, kernel: int) -> nn.Sequential:
    """Convolution, batch normalisation, ReLU."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, bias=False), nn.BatchNorm2d(out_channels), nn.ReLU()
    )


def relu_conv_bn(in_channels: int, out_channels: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """ReLU, convolution, batch normalisation; a stride of 2 halves the image, rounding up."""
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(in_channels, out_channels, kernel, stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(out_channels),
    )


def add_up(images: Sequence[Tensor]) -> Tensor:
    """The sum of at least one tensor, all of one shape."""
    return reduce(torch.add, images)


class Classifier(nn.Module):
    """Global average pooling and a dense layer: `batch x channels x height x width` to logits, `batch x num_classes`."""

    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__()
        self.dense = nn.Linear(channels, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.dense(images.mean(dim=(2, 3)))
        return logits
