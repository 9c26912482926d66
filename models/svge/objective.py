"""The training objective: reconstruction under teacher forcing, divergence, and their weighted sum (Eqs. 13 to 15)."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from models.svge.decoder import Decoder
from models.svge.encoder import Posterior
from models.svge.packing import PackedGraphs


class Losses(NamedTuple):
    """Mean over the batch of the loss a graph, in nats: nodes (L_V), edges (L_E), KL divergence, and their weighted sum."""

    total: Tensor
    nodes: Tensor
    edges: Tensor
    kl: Tensor


def sample_posterior(posterior: Posterior, noise_scale: float, generator: torch.Generator | None = None) -> Tensor:
    """One latent a graph, `b x latent_size`: the mean plus `noise_scale` standard deviations of Gaussian noise."""
    shape, device, dtype = posterior.mean.shape, posterior.mean.device, posterior.mean.dtype
    noise = torch.randn(shape, generator=generator, device=device, dtype=dtype)
    return posterior.mean + noise_scale * torch.exp(0.5 * posterior.log_var) * noise


def kl_divergence(posterior: Posterior) -> Tensor:
    """The divergence of each posterior from the standard normal prior (Eq. 14), in nats: `b`."""
    mean, log_var = posterior
    return -0.5 * (1.0 + log_var - mean**2 - log_var.exp()).sum(dim=1)


def reconstruction(decoder: Decoder, latent: Tensor, graphs: PackedGraphs) -> tuple[Tensor, Tensor]:
    """The negative log-likelihood of the graphs given their latents, split into nodes and edges (Eq. 13), each `b`, in nats.

    In step t the decoder sees the true first t nodes and must name node t and its incoming edges.
    """
    partial, latent_terms = decoder.start(latent)
    nodes = latent.new_zeros(len(latent))
    edges = latent.new_zeros(len(latent))
    last = graphs.types.shape[1] - 1
    for step in range(1, last + 1):
        present = graphs.mask[:, step]
        target_types, target_edges = graphs.types[:, step], graphs.adjacency[:, :step, step]
        terms = decoder.summary_products(partial.summary, latent_terms)
        node_loss = functional.cross_entropy(decoder.node_logits(terms).float(), target_types, reduction="none")
        nodes = nodes + node_loss * present
        new_state = decoder.new_state(terms, target_types)
        scores = decoder.edge_logits(terms, partial.states, new_state).float()
        edge_loss = functional.binary_cross_entropy_with_logits(scores, target_edges, reduction="none")
        edges = edges + edge_loss.sum(dim=1) * present
        if step < last:
            states = torch.cat([partial.states, new_state.unsqueeze(1)], dim=1)  # b x (step + 1) x node_size
            partial = decoder.propagate(states, graphs.adjacency[:, : step + 1, : step + 1], graphs.mask[:, : step + 1])
    return nodes, edges


def elbo_loss(decoder: Decoder, posterior: Posterior, latent: Tensor, graphs: PackedGraphs, kl_weight: float) -> Losses:
    """The negative weighted evidence lower bound (Eq. 15), averaged over the batch."""
    nodes, edges = reconstruction(decoder, latent, graphs)
    kl = kl_divergence(posterior)
    total = nodes + edges + kl_weight * kl
    return Losses(total.mean(), nodes.mean(), edges.mean(), kl.mean())
