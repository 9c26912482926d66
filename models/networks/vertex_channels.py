"""How wide each node of a NAS-Bench-101 cell is. A module without PyTorch, so that counting needs none."""

from models.architectures.architecture import Architecture


def vertex_channels(architecture: Architecture, in_channels: int, out_channels: int) -> list[int]:
    """The number of channels of every node of a cell, input and output included.

    The nodes that feed the output are concatenated there, so they share its channels; what does not divide evenly goes to the
    first of them, one channel each. Going backwards, any other node is as wide as the widest node it feeds.
    Raises `ValueError` where the output has fewer channels than nodes that feed it.
    """
    last = architecture.num_nodes - 1
    channels = [in_channels, *[0] * (last - 1), out_channels]
    feeding = [node for node in architecture.predecessors(last) if node]
    if len(feeding) > out_channels:
        raise ValueError(f"expected at least {len(feeding)} channels, one for each node that feeds the output, got {out_channels}")
    for place, node in enumerate(feeding):
        share, rest = divmod(out_channels, len(feeding))
        channels[node] = share + (place < rest)
    for node in range(last - 1, 0, -1):
        if node not in feeding:
            channels[node] = max(channels[target] for target in architecture.successors(node))
    return channels
