"""How large and how costly a network is: trainable parameters and multiply-adds."""

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def count_parameters(network: nn.Module) -> int:
    """The number of trainable parameters."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def count_multiply_adds(network: nn.Module, image_shape: tuple[int, int, int]) -> int:
    """The multiply-adds of the convolutions and dense layers for one image of `image_shape` (channels, height, width).

    Biases, normalisation, pooling and additions are not counted.
    """
    like = next(network.parameters())
    training = network.training
    network.eval()
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            network(like.new_zeros(1, *image_shape))
    finally:
        network.train(training)
    operations: int = counter.get_total_flops()
    return operations // 2  # a multiply-add is two floating-point operations
