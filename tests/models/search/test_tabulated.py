import torch
from botorch.acquisition.objective import ScalarizedPosteriorTransform

from models.search.tabulated import TabulatedModel


def test_the_posterior_is_that_part_of_the_table() -> None:
    root = torch.randn(5, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    mean, covariance = torch.arange(5.0, dtype=torch.float64), root @ root.T
    model = TabulatedModel(mean, covariance)
    places = torch.tensor([[[3.0], [1.0]], [[0.0], [4.0]]], dtype=torch.float64)
    posterior = model.posterior(places)
    torch.testing.assert_close(posterior.mean[..., 0], torch.tensor([[3.0, 1.0], [0.0, 4.0]], dtype=torch.float64))
    for pair, part in zip(([3, 1], [0, 4]), posterior.distribution.covariance_matrix, strict=True):
        torch.testing.assert_close(part, covariance[pair][:, pair])
    doubled = model.posterior(places, posterior_transform=ScalarizedPosteriorTransform(torch.tensor([2.0], dtype=torch.float64)))
    torch.testing.assert_close(doubled.mean, 2.0 * posterior.mean)
