"""Where networks of the ENAS macro space halve the image. A module without PyTorch, so that counting and source need none."""

from models.networks.skeleton import Skeleton


def reduced_layers(num_layers: int, skeleton: Skeleton) -> frozenset[int]:
    """The layers, counted from 1, after which all that later layers still need is halved: one between every two stacks.

    Raises `ValueError` where the skeleton does not fit so many layers.
    """
    if skeleton.cells_per_stack != 1:
        raise ValueError(f"a network of 'enas_macro' repeats no cell: expected cells_per_stack 1, got {skeleton.cells_per_stack}")
    if skeleton.stacks > num_layers:
        raise ValueError(f"expected at most {num_layers} stacks, one for each layer, got {skeleton.stacks}")
    return frozenset(number * (num_layers // skeleton.stacks) for number in range(1, skeleton.stacks))
