"""Latent points in two dimensions by UMAP (McInnes et al., 2018), which keeps neighbours together. It needs umap-learn."""

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]

_NEIGHBOURS = 15
_SEED = 0


def embed(points: Points) -> Points:
    """The places of points (`n x d`), which begin at their principal components and are the same for the same points.

    The first call compiles umap-learn, which takes some seconds.
    """
    from umap import UMAP

    reducer = UMAP(n_neighbors=min(_NEIGHBOURS, len(points) - 1), init="pca", random_state=_SEED, n_jobs=1)
    return np.asarray(reducer.fit_transform(points), dtype=np.float64)
