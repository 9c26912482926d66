"""The published size of each space's networks. A module without PyTorch, so that counting needs none."""

from models.networks.skeleton import Skeleton

PUBLISHED = {
    # Pham et al. (2018): two reductions, after one third and two thirds of the layers, and the channels of the search.
    "enas_macro": Skeleton(channels=36, stacks=3),
    # The stacks of SVGe's paper (appendix A.2), and the channels of ENAS for such networks.
    "enas_micro": Skeleton(channels=36, stacks=3, cells_per_stack=6),
    # Ying et al. (2019) and Dong & Yang (2020): the networks of the CIFAR-10 measurements.
    "nasbench101": Skeleton(channels=128, stacks=3, cells_per_stack=3),
    "nasbench201": Skeleton(channels=16, stacks=3, cells_per_stack=5),
}
"""By name of the space."""
