"""A trained graph model together with its space: architectures in, latents out, and back, in batches and without gradients."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.architectures.architecture import Architecture, InvalidArchitecture
from models.architectures.canonical import canonicalise
from models.spaces.space import SearchSpace
from models.svge.encoder import Posterior
from models.svge.graph_model import GraphModel
from models.svge.packing import pack
from models.svge.precision import uses_bfloat16
from models.svge.sampling import FreeRule, GrammarRule, Rule

Types = npt.NDArray[np.int64]
AdjacencyMatrix = npt.NDArray[np.bool_]
Decoded = TypeVar("Decoded")

BATCH_SIZE = 1024
"""How many graphs pass through the model at once on a GPU."""

CPU_BATCH_SIZE = 256
"""On a CPU: the states of so many stay in its caches."""

_BATCH_STEP = 32
"""In bfloat16 a batch to encode is filled up to a power of two, or to a multiple of this where it is larger: oneDNN compiles and
keeps kernels for every size that it meets.
"""


class GraphAutoencoder:
    """Encodes and decodes architectures of one space. It keeps no state between calls.

    On a CPU with units for bfloat16 the products of a model that is exact in it run there, up to half as fast again. Latents then
    differ from those of another machine by 0.3 to 0.5 % of their spread in the root mean square, and by 5 % at most.

    Raises `ValueError` where the model's vocabulary is not the space's.
    """

    def __init__(self, model: GraphModel, space: SearchSpace, device: torch.device) -> None:
        if model.vocabulary != space.vocabulary:
            raise ValueError(f"the model knows the labels {model.vocabulary}, the space '{space.name}' has {space.vocabulary}")
        self.space = space
        self.latent_size = model.config.latent_size
        self._model = model.to(device).eval()
        self._device = device
        self._bfloat16 = device.type == "cpu" and model.exact_in_bfloat16 and uses_bfloat16("auto", device)

    @property
    def model(self) -> GraphModel:
        """The model on its device, in evaluation mode; copy it before training it on."""
        return self._model

    @property
    def device(self) -> torch.device:
        return self._device

    def autocast(self) -> torch.autocast:
        """The precision that the model is run in, for those who run it themselves."""
        return torch.autocast(self._device.type, torch.bfloat16, enabled=self._bfloat16)

    @property
    def _batch_size(self) -> int:
        return CPU_BATCH_SIZE if self._device.type == "cpu" else BATCH_SIZE

    @torch.inference_mode()
    def encode(self, architectures: Sequence[Architecture]) -> Posterior:
        """The posteriors of any number of architectures: mean and log-variance, each `n x latent_size`, float32 on the CPU."""
        count, size = len(architectures), self._batch_size
        if not count:
            empty = torch.zeros(0, self.latent_size)
            return Posterior(empty, empty)
        if self._bfloat16:
            step = min(_BATCH_STEP, 1 << (count - 1).bit_length())
            architectures = [*architectures, *[architectures[-1]] * (-count % step)]
        with self.autocast():
            parts = [
                self._model.encode(pack(architectures[start : start + size], self.space.vocabulary).to(self._device))
                for start in range(0, len(architectures), size)
            ]
        mean, log_var = torch.cat([part.mean for part in parts]), torch.cat([part.log_var for part in parts])
        return Posterior(mean[:count].cpu(), log_var[:count].cpu())

    def decode(self, latents: Tensor, generator: torch.Generator | None = None, max_nodes: int | None = None) -> list[Architecture]:
        """One valid architecture in canonical order for each row of `latents` (`n x latent_size`).

        Greedy without a generator; sampled, and reproducible from its seed, with one. `max_nodes` enlarges the space.
        """
        return self._decode(latents, GrammarRule(self.space.grammar(max_nodes)), generator, self._architecture)

    def decode_free(self, latents: Tensor, generator: torch.Generator | None = None) -> list[Architecture | None]:
        """The paper's sampling without a grammar, for evaluation; None where the result is no valid architecture."""
        return self._decode(latents, FreeRule(self.space.max_nodes), generator, self._architecture_or_none)

    @torch.inference_mode()
    def _decode(
        self, latents: Tensor, rule: Rule, generator: torch.Generator | None, read: Callable[[Types, AdjacencyMatrix], Decoded]
    ) -> list[Decoded]:
        """What `read` makes of each decoded graph; it is called once for graphs that are equal as they stand."""
        noise = generator
        if generator is not None and generator.device != self._device:
            # A generator belongs to a device: the caller's seed goes on to one on the model's.
            seed = int(torch.randint(2**62, (1,), generator=generator, device=generator.device))
            noise = torch.Generator(self._device).manual_seed(seed)
        known: dict[bytes, Decoded] = {}
        found, size = [], self._batch_size
        # One context for all batches: the weights are rounded once.
        with self.autocast():
            for start in range(0, len(latents), size):
                batch = latents[start : start + size].to(self._device, torch.float32)
                graphs = self._model.sample(batch, rule, noise)
                rows = zip(graphs.types.cpu().numpy(), graphs.adjacency.cpu().numpy(), graphs.num_nodes.tolist(), strict=True)
                for types, adjacency, n in rows:
                    key = types[:n].tobytes() + adjacency[:n, :n].tobytes()
                    if key not in known:
                        known[key] = read(types[:n], adjacency[:n, :n])
                    found.append(known[key])
        return found

    def _architecture(self, types: Types, adjacency: AdjacencyMatrix) -> Architecture:
        labels = tuple(self.space.vocabulary[index] for index in types.tolist())
        edges = tuple((source, target) for source, target in np.argwhere(adjacency).tolist())
        return canonicalise(Architecture(self.space.name, labels, edges))

    def _architecture_or_none(self, types: Types, adjacency: AdjacencyMatrix) -> Architecture | None:
        try:
            architecture = self._architecture(types, adjacency)
            self.space.validate(architecture)
        except InvalidArchitecture:
            return None
        return architecture
