"""What every graph autoencoder of this project is: SVGe and the baselines behind one interface."""

from abc import ABC, abstractmethod
from dataclasses import Field
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn

from models.svge.encoder import Posterior
from models.svge.objective import Losses, sample_posterior
from models.svge.packing import PackedGraphs
from models.svge.sampling import Rule, SampledGraphs


class ModelConfig(Protocol):
    """What the config of every kind has; each is a frozen dataclass of plain numbers, and goes into the checkpoint's card."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def latent_size(self) -> int: ...

    @property
    def kl_weight(self) -> float: ...

    @property
    def posterior_noise_scale(self) -> float: ...


class GraphModel(nn.Module, ABC):
    """A variational autoencoder of the graphs over one vocabulary.

    `vocabulary` lists the labels, `input` and `output` first; a label's index is its type. All methods run on the device of
    the parameters and expect their tensors there; nodes of `graphs` stand in topological order, except where `reads_any_order`
    says that `encode` takes them in any. `exact_in_bfloat16` says that with matrix products in bfloat16 isomorphic graphs still get
    equal latents, and a graph the same ones in any batch. `never_waits` says that the losses are computed without asking the device
    for a value on the way.
    """

    reads_any_order: ClassVar[bool] = False
    exact_in_bfloat16: ClassVar[bool] = False
    never_waits: ClassVar[bool] = False

    config: ModelConfig
    vocabulary: tuple[str, ...]

    @abstractmethod
    def encode(self, graphs: PackedGraphs) -> Posterior:
        """The posterior of each graph; it does not depend on what else is in the batch."""

    @abstractmethod
    def losses(self, posterior: Posterior, latent: Tensor, graphs: PackedGraphs) -> Losses:
        """The negative weighted evidence lower bound of graphs decoded from `latent`, `b x latent_size` (Eqs. 13 to 15)."""

    @abstractmethod
    def sample(self, latent: Tensor, rule: Rule, generator: torch.Generator | None = None) -> SampledGraphs:
        """One graph for each row of `latent` (`b x latent_size`): sampled with a generator, greedy without."""

    def forward(self, graphs: PackedGraphs, generator: torch.Generator | None = None) -> Losses:
        """The losses of a batch whose latents are sampled from the posterior with noise from `generator`."""
        posterior = self.encode(graphs)
        posterior = Posterior(posterior.mean.float(), posterior.log_var.float())
        latent = sample_posterior(posterior, self.config.posterior_noise_scale, generator)
        return self.losses(posterior, latent, graphs)
