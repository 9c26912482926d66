"""A posterior over finitely many points, computed once, as a BoTorch model: its inputs are the places of the points.

For what chooses among given candidates many times: nothing of the process has to be evaluated again.
"""

import torch
from botorch.acquisition.objective import PosteriorTransform
from botorch.models.model import Model
from botorch.posteriors import GPyTorchPosterior
from gpytorch.distributions import MultivariateNormal
from linear_operator import to_linear_operator
from torch import Tensor


class TabulatedModel(Model):  # type: ignore[misc]
    """Outcomes at `n` points, jointly normal with `mean` (`n`) and `covariance` (`n x n`)."""

    num_outputs = 1
    batch_shape = torch.Size()
    mean: Tensor
    covariance: Tensor

    def __init__(self, mean: Tensor, covariance: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("covariance", covariance)

    def posterior(
        self,
        X: Tensor,
        output_indices: list[int] | None = None,
        observation_noise: bool | Tensor = False,
        posterior_transform: PosteriorTransform | None = None,
    ) -> GPyTorchPosterior:
        """The joint posterior of the noiseless outcomes at the places `... x q x 1`, which are whole numbers in floating point."""
        places = X[..., 0].long()
        covariance = self.covariance[places.unsqueeze(-1), places.unsqueeze(-2)]
        posterior = GPyTorchPosterior(MultivariateNormal(self.mean[places], to_linear_operator(covariance)))
        return posterior if posterior_transform is None else posterior_transform(posterior)
