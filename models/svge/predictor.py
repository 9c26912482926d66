"""The performance predictor on the latent space (Section 4.1): a network from a graph's latent mean to its accuracy.

Training it together with the autoencoder (Eq. 18) is `finetuning.py`.
"""

import torch
from torch import Tensor, nn

HIDDEN_SIZE = 250
"""The paper leaves the width open; this is that of its node states."""


class PerformancePredictor(nn.Module):
    """A four-layer network with ReLU on the latent mean. It works in units of the labels' spread and answers in theirs.

    `centre` and `spread` are the mean and standard deviation of the accuracies it is to be trained on, as fractions: accuracies
    of one space differ by thousandths, which the last layer would otherwise have to learn from weights of unit scale.
    """

    centre: Tensor
    spread: Tensor

    def __init__(self, latent_size: int, centre: float, spread: float, hidden_size: int = HIDDEN_SIZE) -> None:
        super().__init__()
        self.network = nn.Sequential(
            nn.Linear(latent_size, hidden_size),
            nn.ReLU(),
            nn.Linear(hidden_size, hidden_size),
            nn.ReLU(),
            nn.Linear(hidden_size, hidden_size),
            nn.ReLU(),
            nn.Linear(hidden_size, 1),
        )
        self.register_buffer("centre", torch.tensor(centre))
        self.register_buffer("spread", torch.tensor(spread))

    def forward(self, mean: Tensor) -> Tensor:
        """The accuracies, as fractions, `b`, of graphs with the latent means `mean`, `b x latent_size`."""
        accuracies: Tensor = self.centre + self.spread * self.network(mean).squeeze(1)
        return accuracies
