"""A trained SVGe together with its space: architectures in, latents out, and back, in batches and without gradients."""

from collections.abc import Sequence

import torch
from torch import Tensor

from models.architectures.architecture import Architecture, from_graph
from models.architectures.canonical import canonicalise
from models.spaces.space import SearchSpace
from models.svge.encoder import Posterior
from models.svge.model import SVGe
from models.svge.packing import Graph, pack, unpack_one
from models.svge.sampling import FreeRule, GrammarRule, Rule, SampledGraphs, sample_graphs

BATCH_SIZE = 1024
"""How many graphs pass through the model at once; more gain nothing on a CPU and cost memory."""


class GraphAutoencoder:
    """Encodes and decodes architectures of one space. It keeps no state between calls.

    Raises `ValueError` where the model's vocabulary is not the space's.
    """

    def __init__(self, model: SVGe, space: SearchSpace, device: torch.device) -> None:
        if model.vocabulary != space.vocabulary:
            raise ValueError(f"the model knows the labels {model.vocabulary}, the space '{space.name}' has {space.vocabulary}")
        self.space = space
        self.latent_size = model.config.latent_size
        self._model = model.to(device).eval()
        self._device = device

    @torch.inference_mode()
    def encode(self, architectures: Sequence[Architecture]) -> Posterior:
        """The posteriors of any number of architectures: mean and log-variance, each `n x latent_size`, float32 on the CPU."""
        parts = [
            self._model.encoder(pack(architectures[start : start + BATCH_SIZE], self.space.vocabulary).to(self._device))
            for start in range(0, len(architectures), BATCH_SIZE)
        ]
        if not parts:
            empty = torch.zeros(0, self.latent_size)
            return Posterior(empty, empty)
        return Posterior(torch.cat([part.mean for part in parts]).cpu(), torch.cat([part.log_var for part in parts]).cpu())

    def decode(self, latents: Tensor, generator: torch.Generator | None = None, max_nodes: int | None = None) -> list[Architecture]:
        """One valid architecture in canonical order for each row of `latents` (`n x latent_size`).

        Greedy without a generator; sampled, and reproducible from its seed, with one. `max_nodes` enlarges the space.
        """
        decoded = self._decode(latents, GrammarRule(self.space.grammar(max_nodes)), generator)
        return [canonicalise(from_graph(self.space.name, labels, edges)) for labels, edges in decoded]

    def decode_free(self, latents: Tensor, generator: torch.Generator | None = None) -> list[Architecture | None]:
        """The paper's sampling without a grammar, for evaluation; None where the result is no valid architecture."""
        decoded = self._decode(latents, FreeRule(self.space.max_nodes), generator)
        return [self._valid_or_none(labels, edges) for labels, edges in decoded]

    @torch.inference_mode()
    def _decode(self, latents: Tensor, rule: Rule, generator: torch.Generator | None) -> list[Graph]:
        noise = generator
        if generator is not None and generator.device != self._device:
            # A generator belongs to a device: the caller's seed goes on to one on the model's.
            seed = int(torch.randint(2**62, (1,), generator=generator))
            noise = torch.Generator(self._device).manual_seed(seed)
        found = []
        for start in range(0, len(latents), BATCH_SIZE):
            batch = latents[start : start + BATCH_SIZE].to(self._device, torch.float32)
            found += self._unpack(sample_graphs(self._model.decoder, batch, rule, noise))
        return found

    def _unpack(self, graphs: SampledGraphs) -> list[Graph]:
        rows = zip(graphs.types.tolist(), graphs.adjacency.tolist(), graphs.num_nodes.tolist(), strict=True)
        vocabulary = self.space.vocabulary
        return [unpack_one(types[:n], [row[:n] for row in adjacency[:n]], vocabulary) for types, adjacency, n in rows]

    def _valid_or_none(self, labels: list[str], edges: list[tuple[int, int]]) -> Architecture | None:
        try:
            architecture = from_graph(self.space.name, labels, edges)
            self.space.validate(architecture)
        except ValueError:
            return None
        return canonicalise(architecture)
