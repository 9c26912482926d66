"""A search space of a user's own, by its definition: validating, sampling, editing, and the rules for decoding.

Reading the definition is in `definition.py`, listing all architectures in `custom_enumeration.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.architectures.architecture import INPUT, OUTPUT, Architecture, Edge, Fault, InvalidArchitecture, from_graph
from models.architectures.canonical import canonicalise
from models.architectures.formats import from_json, to_json
from models.spaces.custom_enumeration import count_architectures, enumerate_architectures
from models.spaces.definition import Definition
from models.spaces.edits import Graph, appended, beheaded, grown, moved, relabelled, rewired, shrunk
from models.spaces.grammar import Grammar, OutputRule, edges_by_ports
from models.spaces.space import label_faults, path_faults, raise_if_any, size_faults, vocabulary_of

_OUTPUT_RULES = {"dangling": OutputRule.DANGLING, "last": OutputRule.LAST}


@dataclass(frozen=True)
class CustomSpace:
    """All graphs that obey a definition, up to isomorphism."""

    definition: Definition

    @property
    def name(self) -> str:
        return self.definition.name

    @property
    def operations(self) -> tuple[str, ...]:
        return self.definition.operations

    @property
    def max_nodes(self) -> int:
        return self.definition.max_nodes

    @property
    def vocabulary(self) -> tuple[str, ...]:
        return vocabulary_of(self.operations)

    @property
    def size(self) -> int | None:
        return count_architectures(self.definition)

    def validate(self, architecture: Architecture, max_nodes: int | None = None) -> None:
        rules, last = self.definition, architecture.num_nodes - 1
        faults = label_faults(self, architecture)
        faults += size_faults(architecture, rules.min_nodes, max(max_nodes or 0, rules.max_nodes))
        faults += path_faults(architecture)
        num_edges = len(architecture.edges)
        if rules.max_edges is not None and num_edges > rules.max_edges:
            faults.append(Fault("/edges", f"expected at most {rules.max_edges} edges, got {num_edges}; remove some"))
        if rules.chain:
            missing = [(node, node + 1) for node in range(last) if (node, node + 1) not in architecture.edges]
            faults += [Fault("/edges", f"the chain edge {edge} is missing; every node feeds the next one") for edge in missing]
        for node in range(1, last if rules.ports is not None else 0):
            expected, found = min(rules.ports or 0, node), len(architecture.predecessors(node))
            if found != expected:
                message = f"node {node} ('{architecture.nodes[node]}') has {expected} ports, got {found} edges into it; change them"
                faults.append(Fault(f"/nodes/{node}", message))
        ends = len(architecture.predecessors(last))
        if rules.output == "last" and ends > 1:
            faults.append(Fault("/edges", f"expected one edge into the output, got {ends}; let the others feed an operation"))
        raise_if_any(faults)

    def sample(self, rng: np.random.Generator) -> Architecture:
        """A random architecture; each of the space comes with some probability, but not each with the same.

        The number of nodes is uniform over what is allowed, every operation over all, and a density is uniform between 0 and 1.
        Then node by node each possible edge is there with the density as its probability, or so many are as there are ports,
        unless the rules decide otherwise: a node takes at least one edge, no more than the limit leaves, and all that could find
        no place later.
        """
        rules = self.definition
        num_nodes = int(rng.integers(rules.min_nodes, rules.max_nodes + 1))
        labels = [self.operations[index] for index in rng.integers(len(self.operations), size=num_nodes - 2)]
        draft = _Draft(rules, num_nodes, float(rng.random()), rng)
        return canonicalise(Architecture(self.name, (INPUT, *labels, OUTPUT), draft.edges()))

    def neighbours(self, architecture: Architecture, max_nodes: int | None = None) -> list[Architecture]:
        """All distinct valid architectures one edit away: one label, one edge, or one node with its edges.

        With ports an edge is moved, and a new node comes before the output, fed by the latest nodes but one.
        """
        self.validate(architecture, max_nodes)
        canonical = canonicalise(architecture)
        found = {canonical: None}
        for nodes, edges in self._edits(canonical):
            neighbour = self._valid_or_none(nodes, edges, max_nodes)
            if neighbour is not None:
                found.setdefault(neighbour)
        return list(found)[1:]

    def enumerate(self) -> Iterator[Architecture]:
        return enumerate_architectures(self.definition)

    def grammar(self, max_nodes: int | None = None) -> Grammar:
        rules, limit = self.definition, max(max_nodes or 0, self.max_nodes)
        while rules.max_edges is not None and rules.least_edges(limit) > rules.max_edges:
            limit -= 1
        chain = frozenset((node, node + 1) for node in range(limit - 1)) if rules.chain else frozenset()
        return Grammar(
            self.vocabulary,
            rules.min_nodes,
            limit,
            max_edges=rules.max_edges,
            required_edges=chain,
            output_rule=_OUTPUT_RULES[rules.output],
            ports=rules.ports,
        )

    def parse_native(self, value: Any) -> Architecture:
        """The service's own JSON form, `{"nodes": [label, …], "edges": [[source, target], …]}`, with or without `space`."""
        named = {"space": self.name, **value} if isinstance(value, dict) else value
        return canonicalise(from_json(named))

    def format_native(self, architecture: Architecture) -> dict[str, Any]:
        return to_json(architecture)

    def _edits(self, architecture: Architecture) -> Iterator[Graph]:
        yield from relabelled(architecture, self.operations)
        yield from rewired(architecture)
        if self.definition.ports is None:
            yield from grown(architecture, self.operations)
            yield from shrunk(architecture)
        else:
            yield from moved(architecture)
            yield from appended(architecture, self.operations, self.definition.ports)
            yield from beheaded(architecture)

    def _valid_or_none(self, nodes: list[str], edges: list[Edge], max_nodes: int | None) -> Architecture | None:
        try:
            architecture = from_graph(self.name, nodes, edges)
            self.validate(architecture, max_nodes)
        except InvalidArchitecture:
            return None
        return canonicalise(architecture)


class _Draft:
    """The edges of one random graph of `num_nodes` nodes, drawn node by node so that the rest can always be finished."""

    def __init__(self, rules: Definition, num_nodes: int, density: float, rng: np.random.Generator) -> None:
        self._rules = rules
        self._num_nodes = num_nodes
        self._density = density
        self._rng = rng
        self._dangling = {0}
        self._num_edges = 0

    def edges(self) -> tuple[Edge, ...]:
        found: list[Edge] = []
        for node in range(1, self._num_nodes):
            sources = self._output_sources() if node == self._num_nodes - 1 else self._sources(node)
            self._dangling = self._dangling - sources | {node}
            self._num_edges += len(sources)
            found += [(source, node) for source in sources]
        return tuple(found)

    def _sources(self, node: int) -> set[int]:
        forced = {node - 1} if self._rules.chain else set()
        if self._rules.ports is not None:
            return self._port_sources(node, min(self._rules.ports, node), forced)
        coming = self._num_nodes - 2 - node
        if self._rules.output == "last" and not coming:
            forced = forced | self._dangling
        return self._free_sources(node, forced, self._spare() - 1 - coming)

    def _port_sources(self, node: int, ports: int, forced: set[int]) -> set[int]:
        """So many nodes, of them as many dangling ones as would otherwise be too many at the end."""
        rules, end = self._rules, self._num_nodes - 1
        ends = end if rules.max_edges is None else rules.max_edges - edges_by_ports(rules.ports or 0, end)
        room = 1 if rules.output == "last" else ends
        room += sum(min(rules.ports or 0, later) - 1 for later in range(node + 1, end))
        must = sorted(self._dangling - forced)
        number = max(0, len(self._dangling) + 1 - room - len(forced & self._dangling))
        chosen = forced | set(self._rng.permutation(must)[:number].tolist())
        others = sorted(set(range(node)) - chosen)
        return chosen | set(self._rng.permutation(others)[: ports - len(chosen)].tolist())

    def _free_sources(self, node: int, forced: set[int], spare: int) -> set[int]:
        """Forced nodes and others by the density, at least one; only `spare` edges come from nodes that do not dangle."""
        chosen = set(forced)
        order = self._rng.permutation(node).tolist()
        for source in order:
            is_paid = source not in self._dangling
            if source not in chosen and self._rng.random() < self._density and (spare > 0 or not is_paid):
                chosen.add(source)
                spare -= is_paid
        return chosen or {next(source for source in order if spare > 0 or source in self._dangling)}

    def _output_sources(self) -> set[int]:
        if self._rules.output == "last":
            return set(self._dangling)
        return self._free_sources(self._num_nodes - 1, set(self._dangling), self._spare())

    def _spare(self) -> int:
        """How many edges there may be besides those there are, and those that dangling nodes need."""
        limit = self._num_nodes**2 if self._rules.max_edges is None else self._rules.max_edges
        return limit - self._num_edges - len(self._dangling)
