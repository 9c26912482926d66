"""Decoding: Algorithm 1 over whole batches in lock-step, free as in the paper or masked by a grammar.

Both modes draw from perturbed scores: Gumbel noise on node types and logistic noise on edges make the largest type and the
positive edges exact samples, and no noise makes them greedy. A rule then picks from the scores.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from models.spaces.grammar import Grammar, OutputRule
from models.svge.decoder import Decoder, LatentTerms
from models.svge.label_table import label_table
from models.svge.picking import pick_best, pick_wanted
from models.svge.prefixes import Groups, group_latents, split_groups

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

    def needs_scores(self, num_nodes: int) -> bool:
        """Whether anything is left to choose at the node after so many; where not, it is the output."""
        ...

    def choose_types(self, scores: Tensor, types: Tensor, adjacency: Tensor) -> Tensor:
        """The types of the new nodes: `b`. `scores`: `b x num_types`; `types`: `b x t`; `adjacency`: `b x t x t`, bool."""
        ...

    def choose_edges(self, scores: Tensor, new_types: Tensor, types: Tensor, adjacency: Tensor) -> Tensor:
        """The edges into the new nodes: `b x t`, bool.

        `scores`: `b x t`; `new_types`: `b`; `types`: `b x t`; `adjacency`: `b x t x t`, bool.
        """
        ...


@dataclass(frozen=True)
class FreeRule:
    """The paper's sampling: nothing is forbidden, and a graph without an output node after `max_nodes` is a failure."""

    max_nodes: int

    def needs_scores(self, num_nodes: int) -> bool:
        return True

    def choose_types(self, scores: Tensor, types: Tensor, adjacency: Tensor) -> Tensor:
        return scores.argmax(dim=1)

    def choose_edges(self, scores: Tensor, new_types: Tensor, types: Tensor, adjacency: Tensor) -> Tensor:
        return scores > 0


@dataclass(frozen=True)
class GrammarRule:
    """Only what can still become a valid architecture of the grammar.

    With an edge limit, `edges + dangling` never exceeds it, because somebody must take an edge from every dangling node: an
    edge from a dangling node is free of charge, any other is paid from the slack that is left. An operation costs one at least,
    so the slack leaves one for each that must come. With ports the edges are counted beforehand and only the dangling matter.
    """

    grammar: Grammar

    @property
    def max_nodes(self) -> int:
        return self.grammar.max_nodes

    def needs_scores(self, num_nodes: int) -> bool:
        is_last = num_nodes == self.grammar.max_nodes - 1
        return not is_last or (self.grammar.free_edges and self.grammar.output_rule is OutputRule.DANGLING)

    def choose_types(self, scores: Tensor, types: Tensor, adjacency: Tensor) -> Tensor:
        grammar, num_nodes = self.grammar, adjacency.shape[1]
        dangling = ~adjacency.any(dim=2)  # b x t
        allowed = torch.ones_like(scores, dtype=torch.bool)
        allowed[:, INPUT_TYPE] = False
        if num_nodes < grammar.min_nodes - 1:
            allowed[:, OUTPUT_TYPE] = False
        elif grammar.output_rule is OutputRule.LAST:
            allowed[:, OUTPUT_TYPE] = dangling.sum(dim=1) == 1
        if num_nodes == grammar.max_nodes - 1:
            allowed[:, OUTPUT_TYPE + 1 :] = False
        elif grammar.label_rules:
            allowed[:, OUTPUT_TYPE + 1 :] &= label_table(grammar, scores.device).open_types(types, dangling)[:, OUTPUT_TYPE + 1 :]
        else:
            allowed[:, OUTPUT_TYPE + 1 :] &= self._has_room(adjacency, dangling).unsqueeze(1)
        return scores.masked_fill(~allowed, -torch.inf).argmax(dim=1)

    def choose_edges(self, scores: Tensor, new_types: Tensor, types: Tensor, adjacency: Tensor) -> Tensor:
        grammar, num_nodes = self.grammar, adjacency.shape[1]
        required = _column(grammar.required_edges, num_nodes, scores.device).expand_as(scores)
        if not grammar.free_edges:
            return required
        dangling = ~adjacency.any(dim=2)  # b x t
        if grammar.label_rules:
            table = label_table(grammar, scores.device)
            sources = table.sources(new_types, types, dangling)
            operation = pick_best(scores, sources, required, table.in_degree[new_types])
        elif grammar.ports is not None:
            operation = self._edges_by_ports(scores, required, dangling)
        else:
            operation = self._open_edges(scores, required, dangling, adjacency)
        is_output = (new_types == OUTPUT_TYPE).unsqueeze(1)
        return torch.where(is_output, self._output_edges(scores, required, dangling, adjacency), operation)

    def _open_edges(self, scores: Tensor, required: Tensor, dangling: Tensor, adjacency: Tensor) -> Tensor:
        """The edges into an operation where their number is open."""
        grammar, num_nodes = self.grammar, adjacency.shape[1]
        forced, slack = required, self._slack(adjacency)
        if grammar.output_rule is OutputRule.LAST and not grammar.missing_operations(num_nodes + 1):
            # Whoever leaves a node dangling beside the new one needs an operation more, which costs an edge.
            takes_all = ~(dangling & ~required & (scores <= 0)).any(dim=1)
            must_take_all = (slack <= 0) | (num_nodes == grammar.max_nodes - 2)
            forced = forced | (dangling & must_take_all.unsqueeze(1))
            slack = slack - (~takes_all & ~must_take_all).long()
        return self._with_paid(scores, forced, dangling, slack)

    def _edges_by_ports(self, scores: Tensor, required: Tensor, dangling: Tensor) -> Tensor:
        """The edges into an operation with ports: the best, of them as many from dangling nodes as must not dangle any more."""
        grammar, num_nodes = self.grammar, scores.shape[1]
        assert grammar.ports is not None, "only grammars with ports come here"
        least = dangling.sum(dim=1) + 1 - grammar.most_dangling(num_nodes + 1)
        forced = required | pick_best(scores, dangling, required, least)
        ports = torch.full_like(least, min(grammar.ports, num_nodes))
        return pick_best(scores, torch.ones_like(dangling), forced, ports)

    def _output_edges(self, scores: Tensor, required: Tensor, dangling: Tensor, adjacency: Tensor) -> Tensor:
        grammar = self.grammar
        if grammar.output_rule is OutputRule.FIXED:
            return required
        if grammar.output_rule is not OutputRule.DANGLING:
            return dangling
        return self._with_paid(scores, required | dangling, dangling, self._budget(adjacency))

    def _with_paid(self, scores: Tensor, forced: Tensor, dangling: Tensor, slack: Tensor) -> Tensor:
        """The forced and the wanted edges, at least one, and of the paid ones the `slack` (`b`) best."""
        if self.grammar.max_edges is None:
            return pick_wanted(scores, torch.ones_like(dangling), forced)
        paid = ~dangling & ~forced
        return pick_wanted(scores, ~paid | pick_best(scores, paid, torch.zeros_like(paid), slack), forced)

    def _has_room(self, adjacency: Tensor, dangling: Tensor) -> Tensor:
        """Whether one more operation can be afforded: `b`."""
        grammar, num_nodes = self.grammar, adjacency.shape[1]
        if grammar.ports is None:
            return self._slack(adjacency) >= 0
        left = (dangling.sum(dim=1) + 1 - min(grammar.ports, num_nodes)).clamp(min=1)
        return left <= grammar.most_dangling(num_nodes + 1)

    def _slack(self, adjacency: Tensor) -> Tensor:
        """How many paid edges a new operation may take: `b`; below 0 where there is no room for it."""
        return self._budget(adjacency) - 1 - self.grammar.missing_operations(adjacency.shape[1] + 1)

    def _budget(self, adjacency: Tensor) -> Tensor:
        """How many edges there may be besides those there are, and those that dangling nodes need: `b`."""
        limit = adjacency.shape[1] ** 2 + self.grammar.max_nodes if self.grammar.max_edges is None else self.grammar.max_edges
        return limit - adjacency.sum(dim=(1, 2)) - (~adjacency.any(dim=2)).sum(dim=1)


def sample_graphs(decoder: Decoder, latent: Tensor, rule: Rule, generator: torch.Generator | None = None) -> SampledGraphs:
    """Decode one graph for each row of `latent` (`b x latent_size`): sampled with a generator, greedy without.

    Neighbouring rows of one latent cost little more than one row as long as they choose alike.
    """
    batch, size = len(latent), rule.max_nodes
    types = torch.zeros(batch, size, dtype=torch.long, device=latent.device)
    adjacency = torch.zeros(batch, size, size, dtype=torch.bool, device=latent.device)
    num_nodes = torch.zeros(batch, dtype=torch.long, device=latent.device)
    groups = group_latents(latent)
    partial, latent_terms = decoder.start(latent[groups.leaders])
    for step in range(1, size):
        before = types[:, :step], adjacency[:, :step, :step]
        if not rule.needs_scores(step):
            types[:, step] = OUTPUT_TYPE
            adjacency[:, :step, step] = rule.choose_edges(latent.new_zeros(batch, step), types[:, step], *before)
            return SampledGraphs(types, adjacency, torch.where(num_nodes == 0, step + 1, num_nodes))
        terms = decoder.summary_products(partial.summary, latent_terms)
        node_scores = decoder.node_logits(terms).float()[groups.of_row]
        new_types = rule.choose_types(node_scores + gumbel(node_scores, generator), *before)
        types[:, step] = new_types
        parents, groups = groups, split_groups(groups, new_types)
        terms, states, latent_terms = _inherit(groups, parents, terms, partial.states, latent_terms)
        new_state = decoder.new_state(terms, new_types[groups.leaders])
        edge_scores = decoder.edge_logits(terms, states, new_state).float()[groups.of_row]
        perturbed = edge_scores + gumbel(edge_scores, generator) - gumbel(edge_scores, generator)
        adjacency[:, :step, step] = rule.choose_edges(perturbed, new_types, *before)
        num_nodes = torch.where((new_types == OUTPUT_TYPE) & (num_nodes == 0), step + 1, num_nodes)
        if bool((num_nodes > 0).all()):
            break
        if step < size - 1 and rule.needs_scores(step + 1):
            states = torch.cat([states, new_state.unsqueeze(1)], dim=1)
            parents, groups = groups, split_groups(groups, adjacency[:, :step, step])
            _, states, latent_terms = _inherit(groups, parents, terms, states, latent_terms)
            known = adjacency[groups.leaders, : step + 1, : step + 1].to(states.dtype)
            partial = decoder.propagate(states, known, states.new_ones(states.shape[:2]))
    return SampledGraphs(types, adjacency, num_nodes)


def _inherit(
    groups: Groups, parents: Groups, terms: LatentTerms, states: Tensor, latent_terms: LatentTerms
) -> tuple[LatentTerms, Tensor, LatentTerms]:
    """What the groups have from the groups they were parted from."""
    if groups is parents:
        return terms, states, latent_terms
    parent = parents.of_row[groups.leaders]
    return LatentTerms(*(term[parent] for term in terms)), states[parent], LatentTerms(*(term[parent] for term in latent_terms))


def gumbel(scores: Tensor, generator: torch.Generator | None) -> Tensor:
    """Standard Gumbel noise of the shape of `scores`; zeros without a generator."""
    if generator is None:
        return torch.zeros_like(scores)
    return -torch.empty_like(scores).exponential_(generator=generator).log()


def _column(edges: frozenset[tuple[int, int]], target: int, device: torch.device) -> Tensor:
    column = torch.zeros(1, target, dtype=torch.bool, device=device)
    column[0, [source for source, end in edges if end == target]] = True
    return column
