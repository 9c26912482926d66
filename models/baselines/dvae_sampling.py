"""Decoding with a D-VAE, all graphs of a batch in lock-step, free or masked by a grammar."""

import torch
from torch import Tensor

from models.baselines.asynchronous import weighted_sum
from models.baselines.dvae_decoder import DvaeDecoder, KnownNodes
from models.svge.prefixes import Groups, group_latents, split_groups
from models.svge.sampling import OUTPUT_TYPE, Rule, SampledGraphs, gumbel


def sample_dvae(decoder: DvaeDecoder, latent: Tensor, rule: Rule, generator: torch.Generator | None = None) -> SampledGraphs:
    """Decode one graph for each row of `latent` (`b x latent_size`): sampled with a generator, greedy without.

    The edges of a node are decided in turn, as they are trained. The rule then sees all their scores at once and has the last
    word, so that what it admits holds by construction; the node's state is that of the edges the rule chose. A free rule
    chooses what was decided. The published code instead forces the last node to be the output and joins every loose end to it.
    Neighbouring rows of one latent cost little more than one row as long as they choose alike.
    """
    batch, size = len(latent), rule.max_nodes
    types = torch.zeros(batch, size, dtype=torch.long, device=latent.device)
    adjacency = torch.zeros(batch, size, size, dtype=torch.bool, device=latent.device)
    num_nodes = torch.zeros(batch, dtype=torch.long, device=latent.device)
    groups = group_latents(latent)
    known = decoder.start(latent[groups.leaders])
    for step in range(1, size):
        before = types[:, :step], adjacency[:, :step, :step]
        node_scores = decoder.node(known.state)[groups.of_row]
        new_types = rule.choose_types(node_scores + gumbel(node_scores, generator), *before)
        known, groups = _split(known, groups, new_types)
        terms = decoder.unit.type_terms(new_types[groups.leaders])
        edges = rule.choose_edges(_edge_scores(decoder, known, groups, terms, generator), new_types, *before)
        types[:, step], adjacency[:, :step, step] = new_types, edges
        num_nodes = torch.where((new_types == OUTPUT_TYPE) & (num_nodes == 0), step + 1, num_nodes)
        if bool((num_nodes > 0).all()):
            break
        if step < size - 1:
            known, groups = _split(known, groups, edges)
            chosen, terms = edges[groups.leaders], decoder.unit.type_terms(new_types[groups.leaders])
            summed, product = weighted_sum(chosen, known.messages), weighted_sum(chosen, known.products)
            known = decoder.add(known, decoder.unit.update(terms, product, summed))
    return SampledGraphs(types, adjacency, num_nodes)


def _edge_scores(
    decoder: DvaeDecoder, known: KnownNodes, groups: Groups, terms: Tensor, generator: torch.Generator | None
) -> Tensor:
    """The perturbed scores of the edges into the new node, `b x t`: positive where an edge is decided, which parts the groups."""
    t = known.messages.shape[1]
    noise = known.state.new_zeros(len(groups.of_row), t)
    noise = gumbel(noise, generator) - gumbel(noise, generator)
    node = groups.of_row[groups.leaders]
    summed, product = torch.zeros_like(known.state), torch.zeros_like(terms)
    scores = []
    for source in reversed(range(t)):
        state = decoder.unit.update(terms[node], product, summed)
        score = decoder.edge_logits(known.ends[node, source], state)[groups.of_row] + noise[:, source]
        decided = score > 0
        parents, groups = groups, split_groups(groups, decided)
        parent = parents.of_row[groups.leaders]
        node, taken = node[parent], decided[groups.leaders].to(score.dtype).unsqueeze(1)
        summed = summed[parent] + taken * known.messages[node, source]
        product = product[parent] + taken * known.products[node, source]
        scores.append(score)
    return torch.stack(scores[::-1], dim=1)


def _split(known: KnownNodes, groups: Groups, choices: Tensor) -> tuple[KnownNodes, Groups]:
    """The groups parted by what their rows chose, each with what its group knew."""
    parted = split_groups(groups, choices)
    if parted is groups:
        return known, groups
    parent = groups.of_row[parted.leaders]
    return KnownNodes(*(part[parent] for part in known)), parted
