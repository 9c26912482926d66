"""The sizes and weights of the models that SVGe is compared with, with the published values as defaults."""

from dataclasses import dataclass

from models.svge.config import SVGeConfig


@dataclass(frozen=True)
class GinConfig:
    """A graph isomorphism network before SVGe's decoder. Widths are in units of one float.

    `gin_size` and `num_layers` are Table 4's 56 and 5; the rest is the decoder's and the objective's, as in `SVGeConfig`.
    """

    gin_size: int = 56
    num_layers: int = 5
    node_size: int = 250
    message_size: int = 125
    hidden_size: int = 250
    latent_size: int = 56
    num_rounds: int = 2
    kl_weight: float = 5e-5
    posterior_noise_scale: float = 1.0

    @property
    def decoder(self) -> SVGeConfig:
        return SVGeConfig(
            self.node_size,
            self.message_size,
            self.hidden_size,
            self.latent_size,
            self.num_rounds,
            self.kl_weight,
            self.posterior_noise_scale,
        )


@dataclass(frozen=True)
class DvaeConfig:
    """A D-VAE. Widths are in units of one float.

    `state_size` and `latent_size` are the 501 and 56 of Zhang et al. (2019). `num_vertex_ids` is the length of the one-hot place
    that is appended to a predecessor's state before it is gated; 0 leaves it out. The published code appends it (with the
    largest number of nodes) and so encodes isomorphic graphs differently; without it equal graphs get equal latents, as the
    paper proves. `posterior_noise_scale` is 1; the published code uses 0.01.
    """

    state_size: int = 501
    latent_size: int = 56
    num_vertex_ids: int = 0
    kl_weight: float = 0.005
    posterior_noise_scale: float = 1.0
