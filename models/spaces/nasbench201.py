"""The NAS-Bench-201 space: the six edges of a 4-node cell, as the operation nodes of its line graph.

Dong & Yang, "NAS-Bench-201: extending the scope of reproducible neural architecture search" (2020).
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.architectures.architecture import INPUT, OUTPUT, Architecture, Fault, InvalidArchitecture
from models.architectures.canonical import canonicalise
from models.spaces.grammar import Grammar, OutputRule
from models.spaces.space import label_faults, raise_if_any, size_faults, vocabulary_of

OPERATIONS = ("none", "skip", "conv1x1", "conv3x3", "avgpool3x3")
_NATIVE = {
    "none": "none",
    "skip": "skip_connect",
    "conv1x1": "nor_conv_1x1",
    "conv3x3": "nor_conv_3x3",
    "avgpool3x3": "avg_pool_3x3",
}
_FROM_NATIVE = {native: label for label, native in _NATIVE.items()}
_NATIVE_FORM = re.compile(r"\+".join(r"\|" + "".join(rf"([^|+~]+)~{source}\|" for source in range(target)) for target in (1, 2, 3)))

CELL_EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""The edges of the cell in the order of the native string; the operation on `CELL_EDGES[i]` is node i + 1 of the native order."""


def _line_graph_edges() -> tuple[tuple[int, int], ...]:
    edges = [(0, index + 1) for index, (source, _) in enumerate(CELL_EDGES) if source == 0]
    edges += [
        (first + 1, second + 1)
        for (first, (_, middle)), (second, (source, _)) in itertools.product(enumerate(CELL_EDGES), repeat=2)
        if middle == source
    ]
    edges += [(index + 1, 7) for index, (_, target) in enumerate(CELL_EDGES) if target == 3]
    return tuple(sorted(edges))


NATIVE_EDGES = _line_graph_edges()


@dataclass(frozen=True)
class NasBench201:
    """Six operations on fixed edges; two different strings are never isomorphic, because the edges have no symmetry."""

    name: str = "nasbench201"
    operations: tuple[str, ...] = OPERATIONS
    max_nodes: int = 8

    @property
    def vocabulary(self) -> tuple[str, ...]:
        return vocabulary_of(self.operations)

    @property
    def size(self) -> int:
        return int(len(self.operations) ** len(CELL_EDGES))

    def validate(self, architecture: Architecture, max_nodes: int | None = None) -> None:
        faults = label_faults(self, architecture)
        faults += size_faults(architecture, self.max_nodes, self.max_nodes)
        if not faults and canonicalise(architecture).edges != self._template().edges:
            faults.append(Fault("/edges", f"the edges of '{self.name}' are fixed: expected a relabelling of {list(NATIVE_EDGES)}"))
        raise_if_any(faults)

    def sample(self, rng: np.random.Generator) -> Architecture:
        return self._build([self.operations[index] for index in rng.integers(len(self.operations), size=len(CELL_EDGES))])

    def neighbours(self, architecture: Architecture, max_nodes: int | None = None) -> list[Architecture]:
        self.validate(architecture)
        labels = self._native_labels(architecture)
        return [
            self._build([*labels[:place], label, *labels[place + 1 :]])
            for place, label in itertools.product(range(len(labels)), self.operations)
            if label != labels[place]
        ]

    def enumerate(self) -> Iterator[Architecture]:
        for labels in itertools.product(self.operations, repeat=len(CELL_EDGES)):
            yield self._build(labels)

    def grammar(self, max_nodes: int | None = None) -> Grammar:
        required = frozenset(self._template().edges)
        return Grammar(
            self.vocabulary, self.max_nodes, self.max_nodes, required_edges=required, free_edges=False, output_rule=OutputRule.FIXED
        )

    def parse_native(self, value: Any) -> Architecture:
        """The string `|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`."""
        if not isinstance(value, str):
            raise InvalidArchitecture([Fault("", f"expected a NAS-Bench-201 string, got {type(value).__name__}")])
        form = _NATIVE_FORM.fullmatch(value)
        if form is None:
            raise InvalidArchitecture([Fault("", f"expected the form '|op~0|+|op~0|op~1|+|op~0|op~1|op~2|', got {value[:200]!r}")])
        unknown = [name for name in form.groups() if name not in _FROM_NATIVE]
        if unknown:
            raise InvalidArchitecture([Fault("", f"unknown operation '{unknown[0]}'; expected one of {', '.join(_FROM_NATIVE)}")])
        return self._build([_FROM_NATIVE[name] for name in form.groups()])

    def format_native(self, architecture: Architecture) -> str:
        groups: dict[int, list[str]] = {1: [], 2: [], 3: []}
        for (source, target), label in zip(CELL_EDGES, self._native_labels(architecture), strict=True):
            groups[target].append(f"{_NATIVE[label]}~{source}")
        return "+".join(f"|{'|'.join(group)}|" for group in groups.values())

    def _template(self) -> Architecture:
        return canonicalise(Architecture(self.name, (INPUT, *["skip"] * len(CELL_EDGES), OUTPUT), NATIVE_EDGES))

    def _build(self, labels: Sequence[str]) -> Architecture:
        return canonicalise(Architecture(self.name, (INPUT, *labels, OUTPUT), NATIVE_EDGES))

    def _native_labels(self, architecture: Architecture) -> list[str]:
        places = _canonical_places()
        canonical = canonicalise(architecture)
        return [canonical.nodes[places[index + 1]] for index in range(len(CELL_EDGES))]


def _canonical_places() -> list[int]:
    """For each node of the native order its place in the canonical one, which is the same for all labels."""
    marks = (INPUT, *(str(index) for index in range(1, 7)), OUTPUT)
    canonical = canonicalise(Architecture("nasbench201", marks, NATIVE_EDGES))
    return [canonical.nodes.index(mark) for mark in marks]
