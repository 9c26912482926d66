"""Decoding: Algorithm 1 over whole batches in lock-step, free as in the paper or masked by a grammar.

Both modes draw from perturbed scores: Gumbel noise on node types and logistic noise on edges make the largest type and the
positive edges exact samples, and no noise makes them greedy. A rule then picks from the scores.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from models.spaces.grammar import Grammar, OutputRule
from models.svge.decoder import Decoder, PartialGraphs

INPUT_TYPE = 0
OUTPUT_TYPE = 1


class SampledGraphs(NamedTuple):
    """Decoded graphs, padded. `types`: `b x n`; `adjacency`: `b x n x n`, row to column, bool; `num_nodes`: `b`, with the
    output node, or 0 where none was reached.
    """

    types: Tensor
    adjacency: Tensor
    num_nodes: Tensor


class Rule(Protocol):
    """What may be chosen next, given perturbed scores of graphs with t nodes."""

    @property
    def max_nodes(self) -> int: ...

    def choose_types(self, scores: Tensor, adjacency: Tensor) -> Tensor:
        """The types of the new nodes: `b`. `scores`: `b x num_types`; `adjacency`: `b x t x t`, bool."""
        ...

    def choose_edges(self, scores: Tensor, types: Tensor, adjacency: Tensor) -> Tensor:
        """The edges into the new nodes: `b x t`, bool. `scores`: `b x t`; `types`: `b`; `adjacency`: `b x t x t`, bool."""
        ...


@dataclass(frozen=True)
class FreeRule:
    """The paper's sampling: nothing is forbidden, and a graph without an output node after `max_nodes` is a failure."""

    max_nodes: int

    def choose_types(self, scores: Tensor, adjacency: Tensor) -> Tensor:
        return scores.argmax(dim=1)

    def choose_edges(self, scores: Tensor, types: Tensor, adjacency: Tensor) -> Tensor:
        return scores > 0


@dataclass(frozen=True)
class GrammarRule:
    """Only what can still become a valid architecture of the grammar.

    With an edge limit, `edges + dangling` never exceeds it, because the output must take an edge from every dangling node: an
    edge from a dangling node is free of charge, any other is paid from the slack that is left.
    """

    grammar: Grammar

    @property
    def max_nodes(self) -> int:
        return self.grammar.max_nodes

    def choose_types(self, scores: Tensor, adjacency: Tensor) -> Tensor:
        grammar, num_nodes = self.grammar, adjacency.shape[1]
        allowed = torch.ones_like(scores, dtype=torch.bool)
        allowed[:, INPUT_TYPE] = False
        if num_nodes == grammar.max_nodes - 1:
            allowed[:, OUTPUT_TYPE + 1 :] = False
        elif num_nodes < grammar.min_nodes - 1:
            allowed[:, OUTPUT_TYPE] = False
        if grammar.max_edges is not None:
            room = grammar.max_edges - _committed_edges(adjacency)  # b
            allowed[:, OUTPUT_TYPE + 1 :] &= (room >= 1).unsqueeze(1)
        return scores.masked_fill(~allowed, -torch.inf).argmax(dim=1)

    def choose_edges(self, scores: Tensor, types: Tensor, adjacency: Tensor) -> Tensor:
        grammar, num_nodes = self.grammar, adjacency.shape[1]
        required = _column(grammar.required_edges, num_nodes, scores.device).expand_as(scores)
        if not grammar.free_edges:
            return required
        is_output = types == OUTPUT_TYPE
        dangling = ~adjacency.any(dim=2)  # b x t
        paid = ~dangling & ~required
        slack = self._slack(adjacency, is_output)
        affordable = ~paid | (slack > 0).unsqueeze(1)
        best = scores.masked_fill(~affordable, -torch.inf).argmax(dim=1, keepdim=True)
        chosen = (scores > 0) & _top(scores.masked_fill(~paid, -torch.inf), paid, slack)
        chosen = chosen | required
        if grammar.output_rule is OutputRule.DANGLING:
            chosen = chosen | (dangling & is_output.unsqueeze(1))
        chosen = torch.where(chosen.any(dim=1, keepdim=True), chosen, torch.zeros_like(chosen).scatter(1, best, True))
        if grammar.output_rule is OutputRule.FIXED:
            return torch.where(is_output.unsqueeze(1), required, chosen)
        return chosen

    def _slack(self, adjacency: Tensor, is_output: Tensor) -> Tensor:
        """How many edges from nodes that do not dangle the new node may still take: `b`."""
        if self.grammar.max_edges is None:
            return torch.full_like(is_output, adjacency.shape[1], dtype=torch.long)
        return self.grammar.max_edges - _committed_edges(adjacency) - (~is_output).long()


def sample_graphs(decoder: Decoder, latent: Tensor, rule: Rule, generator: torch.Generator | None = None) -> SampledGraphs:
    """Decode one graph for each row of `latent` (`b x latent_size`): sampled with a generator, greedy without."""
    batch, size = len(latent), rule.max_nodes
    types = torch.zeros(batch, size, dtype=torch.long, device=latent.device)
    adjacency = torch.zeros(batch, size, size, dtype=torch.bool, device=latent.device)
    num_nodes = torch.zeros(batch, dtype=torch.long, device=latent.device)
    partial, latent_terms = decoder.start(latent)
    for step in range(1, size):
        terms = decoder.summary_products(partial.summary, latent_terms)
        node_scores = decoder.node_logits(terms)
        new_types = rule.choose_types(node_scores + _gumbel(node_scores, generator), adjacency[:, :step, :step])
        new_state = decoder.new_state(terms, new_types)
        edge_scores = decoder.edge_logits(terms, partial.states, new_state)
        perturbed = edge_scores + _gumbel(edge_scores, generator) - _gumbel(edge_scores, generator)
        types[:, step] = new_types
        adjacency[:, :step, step] = rule.choose_edges(perturbed, new_types, adjacency[:, :step, :step])
        ended = (new_types == OUTPUT_TYPE) & (num_nodes == 0)
        num_nodes = torch.where(ended, step + 1, num_nodes)
        if bool((num_nodes > 0).all()):
            break
        if step < size - 1:
            partial = _propagate(decoder, partial.states, new_state, adjacency[:, : step + 1, : step + 1])
    return SampledGraphs(types, adjacency, num_nodes)


def _propagate(decoder: Decoder, states: Tensor, new_state: Tensor, adjacency: Tensor) -> PartialGraphs:
    states = torch.cat([states, new_state.unsqueeze(1)], dim=1)
    return decoder.propagate(states, adjacency.to(states.dtype), states.new_ones(states.shape[:2]))


def _gumbel(scores: Tensor, generator: torch.Generator | None) -> Tensor:
    if generator is None:
        return torch.zeros_like(scores)
    return -torch.empty_like(scores).exponential_(generator=generator).log()


def _committed_edges(adjacency: Tensor) -> Tensor:
    """The edges there are, and one for every node that still needs a successor: `b`."""
    return adjacency.sum(dim=(1, 2)) + (~adjacency.any(dim=2)).sum(dim=1)


def _column(edges: frozenset[tuple[int, int]], target: int, device: torch.device) -> Tensor:
    column = torch.zeros(1, target, dtype=torch.bool, device=device)
    column[0, [source for source, end in edges if end == target]] = True
    return column


def _top(scores: Tensor, limited: Tensor, count: Tensor) -> Tensor:
    """Where `limited`, whether the score is among the row's `count` largest; elsewhere True. `b x t`."""
    rank = scores.argsort(dim=1, descending=True).argsort(dim=1)
    return ~limited | (rank < count.unsqueeze(1))
