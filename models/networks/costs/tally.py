"""Adding up what layers cost. The layers are those of `models/networks/layers.py` and PyTorch's own."""

from dataclasses import dataclass

IMAGE_SIZE = 32
IMAGE_CHANNELS = 3
NUM_CLASSES = 10
"""Those of CIFAR-10, for which all published skeletons were made."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Trainable `parameters`, and `multiply_adds` of the convolutions and dense layers for one image; a multiply-add is two
    floating-point operations. Normalisation, pooling and additions are not counted among the operations.
    """

    parameters: int
    multiply_adds: int


class Tally:
    """The cost so far of a network, layer by layer. Sizes are those of an image's side after the layer, in pixels."""

    def __init__(self) -> None:
        self._parameters = 0
        self._multiply_adds = 0

    @property
    def cost(self) -> Cost:
        return Cost(self._parameters, self._multiply_adds)

    def convolution(self, in_channels: int, out_channels: int, kernel: int, size: int) -> None:
        """Without a bias, as all convolutions before a normalisation are."""
        weights = in_channels * out_channels * kernel**2
        self._parameters += weights
        self._multiply_adds += weights * size**2

    def normalisation(self, channels: int) -> None:
        """A scale and a shift for each channel."""
        self._parameters += 2 * channels

    def normalised_convolution(self, in_channels: int, out_channels: int, kernel: int, size: int) -> None:
        self.convolution(in_channels, out_channels, kernel, size)
        self.normalisation(out_channels)

    def dense(self, in_features: int, out_features: int) -> None:
        self._parameters += (in_features + 1) * out_features
        self._multiply_adds += in_features * out_features


def halved(size: int) -> int:
    """The side of an image after a stride of 2, rounded up."""
    return (size + 1) // 2
