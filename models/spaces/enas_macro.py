"""The ENAS macro space: a chain of layers, each with an operation and free skip connections from earlier layers.

Pham et al., "Efficient neural architecture search via parameter sharing" (2018). SVGe trains on 6 layers and extrapolates to 12.
"""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.architectures.architecture import INPUT, OUTPUT, Architecture, Fault, InvalidArchitecture
from models.spaces.grammar import Grammar, OutputRule
from models.spaces.space import SpaceTooLarge, label_faults, raise_if_any, size_faults, vocabulary_of

OPERATIONS = ("conv3x3", "sep_conv3x3", "conv5x5", "sep_conv5x5", "avg_pool3x3", "max_pool3x3")
_ENUMERABLE = 1_000_000


@dataclass(frozen=True)
class EnasMacro:
    """`num_layers` layers between input and output.

    The chain always exists, skips into a layer are free, only the last layer feeds the output.
    """

    num_layers: int = 6
    name: str = "enas_macro"
    operations: tuple[str, ...] = OPERATIONS

    @property
    def max_nodes(self) -> int:
        return self.num_layers + 2

    @property
    def vocabulary(self) -> tuple[str, ...]:
        return vocabulary_of(self.operations)

    @property
    def size(self) -> int:
        num_skips = self.num_layers * (self.num_layers - 1) // 2
        return int(2**num_skips * len(self.operations) ** self.num_layers)

    def validate(self, architecture: Architecture, max_nodes: int | None = None) -> None:
        faults = label_faults(self, architecture)
        faults += size_faults(architecture, self.max_nodes, max(max_nodes or 0, self.max_nodes))
        last = architecture.num_nodes - 1
        edges = set(architecture.edges)
        for node in range(last):
            if (node, node + 1) not in edges:
                faults.append(
                    Fault("/edges", f"the chain edge ({node}, {node + 1}) is missing; every layer follows the one before it")
                )
        for index, (source, target) in enumerate(architecture.edges):
            if target == last and source != last - 1:
                faults.append(Fault(f"/edges/{index}", f"edge ({source}, {target}) enters the output; only the last layer may"))
        raise_if_any(faults)

    def sample(self, rng: np.random.Generator) -> Architecture:
        n = self.num_layers
        operations = [self.operations[index] for index in rng.integers(len(self.operations), size=n)]
        skips = [pair for pair, bit in zip(_skip_pairs(n), rng.integers(2, size=n * (n - 1) // 2), strict=True) if bit]
        return self._build(operations, skips)

    def neighbours(self, architecture: Architecture, max_nodes: int | None = None) -> list[Architecture]:
        self.validate(architecture, max_nodes)
        operations = list(architecture.nodes[1:-1])
        n = len(operations)
        skips = set(architecture.edges) & set(_skip_pairs(n))
        found = []
        for layer, label in itertools.product(range(n), self.operations):
            if label != operations[layer]:
                found.append(self._build([*operations[:layer], label, *operations[layer + 1 :]], skips))
        for pair in _skip_pairs(n):
            found.append(self._build(operations, skips ^ {pair}))
        if max_nodes is not None and architecture.num_nodes < max_nodes:
            found += [self._build([*operations, label], skips) for label in self.operations]
        return found

    def enumerate(self) -> Iterator[Architecture]:
        if self.size > _ENUMERABLE:
            raise SpaceTooLarge(f"'{self.name}' with {self.num_layers} layers has {self.size} architectures; sample it instead")
        pairs = _skip_pairs(self.num_layers)
        for operations in itertools.product(self.operations, repeat=self.num_layers):
            for bits in itertools.product((False, True), repeat=len(pairs)):
                yield self._build(list(operations), itertools.compress(pairs, bits))

    def grammar(self, max_nodes: int | None = None) -> Grammar:
        nodes = max(max_nodes or 0, self.max_nodes)
        chain = frozenset((node, node + 1) for node in range(nodes - 1))
        return Grammar(self.vocabulary, nodes, nodes, required_edges=chain, output_rule=OutputRule.FIXED)

    def parse_native(self, value: Any) -> Architecture:
        """The ENAS list, or its JSON text: one list a layer, the operation's code and then a bit for every earlier skip."""
        if isinstance(value, str):
            value = _from_json(value)
        if not isinstance(value, list):
            raise InvalidArchitecture([Fault("", f"expected a list of layers, got {type(value).__name__}")])
        operations, skips = [], []
        for layer, row in enumerate(value, start=1):
            pointer = f"/{layer - 1}"
            if not (isinstance(row, list) and len(row) == layer and all(type(item) is int for item in row)):
                raise InvalidArchitecture(
                    [Fault(pointer, f"layer {layer} must list one operation code and {layer - 1} bits, got {row!r}")]
                )
            if not 0 <= row[0] < len(self.operations):
                raise InvalidArchitecture(
                    [Fault(f"{pointer}/0", f"operation code {row[0]} is not in 0..{len(self.operations) - 1}")]
                )
            if any(bit not in (0, 1) for bit in row[1:]):
                raise InvalidArchitecture([Fault(pointer, f"skip bits must be 0 or 1, got {row[1:]}")])
            operations.append(self.operations[row[0]])
            skips += [(source, layer) for source, bit in enumerate(row[1:]) if bit]
        return self._build(operations, skips)

    def format_native(self, architecture: Architecture) -> list[list[int]]:
        edges = set(architecture.edges)
        return [
            [self.operations.index(label), *(int((source, layer) in edges) for source in range(layer - 1))]
            for layer, label in enumerate(architecture.nodes[1:-1], start=1)
        ]

    def _build(self, operations: list[str], skips: Any) -> Architecture:
        chain = [(node, node + 1) for node in range(len(operations) + 1)]
        return Architecture(self.name, (INPUT, *operations, OUTPUT), (*chain, *skips))


def _skip_pairs(num_layers: int) -> list[tuple[int, int]]:
    return [(source, layer) for layer in range(2, num_layers + 1) for source in range(layer - 1)]


def _from_json(text: str) -> Any:
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise InvalidArchitecture([Fault("", f"expected a JSON list of layers: {error}")]) from error
