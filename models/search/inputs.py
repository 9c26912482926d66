"""The surrogate's input: an architecture's latent mean and structural features, scaled so that blocks count alike.

Which columns share a length-scale is said here; the kernel that has them is in `process.py`.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.search.features import Block


@dataclass(frozen=True, eq=False)
class InputScale:
    """From raw columns, the latent mean first, to points of the surrogate's input space.

    `kept` (`c`, bool) are the raw columns that differ within the pool, all latent ones among them; `center` and `scale` (`d`
    each) standardise them, one scale a block: with one for each column those that the autoencoder does not use would be blown up
    to the size of those that it does. Two random members of the pool are then 1 apart in each block, in the root mean square.
    `groups` (`d`, integers) says which columns share a length-scale.
    """

    kept: Tensor
    center: Tensor
    scale: Tensor
    groups: Tensor
    latent_size: int

    def standardise(self, kept: Tensor) -> Tensor:
        """Points, `n x d`, of the kept columns of raw rows, `n x d`."""
        return (kept - self.center) / self.scale

    def restore_latents(self, points: Tensor) -> Tensor:
        """The latents, `n x latent_size`, of points, `n x d`, or of their latent columns alone."""
        return points[:, : self.latent_size] * self.scale[: self.latent_size] + self.center[: self.latent_size]


def input_scale(raw: Tensor, latent_size: int, blocks: tuple[Block, ...]) -> InputScale:
    """The scale that a pool's raw rows, `n x c`, define. All latent columns share one length-scale."""
    variance = raw.var(dim=0, correction=0)
    sharing = [torch.zeros(latent_size, dtype=torch.long), *(torch.from_numpy(block.sharing) for block in blocks)]
    kept, scale, groups = variance > 0.0, torch.ones_like(variance), torch.zeros(len(variance), dtype=torch.long)
    kept[:latent_size] = True
    start = group = 0
    for shared in sharing:
        columns = slice(start, start + len(shared))
        scale[columns] = float((2.0 * variance[columns].sum()).sqrt()) or 1.0
        used, numbers = torch.unique(shared[kept[columns]], return_inverse=True)
        groups[columns][kept[columns]] = group + numbers
        start, group = columns.stop, group + len(used)
    return InputScale(kept, raw.mean(dim=0)[kept], scale[kept], groups[kept], latent_size)
