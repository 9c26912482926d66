"""The sizes and weights of an SVGe, with the paper's values as defaults."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SVGeConfig:
    """Everything that fixes the shape of the model and its objective. Widths are in units of one float.

    `node_size` and `latent_size` are the paper's 250 and 56 (Section 4). The paper leaves open: `message_size`, the hidden and
    output width of the message networks of Eq. 5; `hidden_size`, the hidden width of the other two-layer networks.
    `kl_weight` is the paper's alpha (Eq. 15).
    `posterior_noise_scale` multiplies the posterior's standard deviation when a latent is sampled. It is 1; the published code
    uses 0.01, and evaluation reports both.
    """

    node_size: int = 250
    message_size: int = 250
    hidden_size: int = 250
    latent_size: int = 56
    num_rounds: int = 2
    kl_weight: float = 0.005
    posterior_noise_scale: float = 1.0
