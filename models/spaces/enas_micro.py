"""The ENAS micro space: cells whose nodes are sums of two operations, each on an earlier node or on one of two cell inputs.

Pham et al., "Efficient neural architecture search via parameter sharing" (2018); SVGe's appendix A.2. Counting the cells up to
isomorphism is in `enas_micro_size.py`.
"""

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.architectures.architecture import INPUT, OUTPUT, Architecture, Fault, InvalidArchitecture, from_graph
from models.architectures.canonical import canonicalise
from models.spaces.enas_micro_size import count_cells
from models.spaces.grammar import Grammar, LabelRule, OutputRule
from models.spaces.space import SpaceTooLarge, label_faults, raise_if_any, size_faults, vocabulary_of

OPERATIONS = ("conv3x3", "conv5x5", "avgpool3x3", "maxpool3x3", "identity")
"""In the order of the codes of the ENAS list."""
CELL_INPUTS = ("input0", "input1")
"""The outputs of the last cell but one and of the last cell, in the order of the codes of the ENAS list."""
SUM = "add"

_ENUMERABLE = 100_000

Operand = tuple[int, str]
"""A source and the operation on it: sources 0 and 1 are the cell inputs, 2 is the first node of the cell, and so on."""
Pair = tuple[Operand, Operand]


@dataclass(frozen=True)
class EnasMicro:
    """Cells of `num_sums` nodes, each the sum of two operands.

    In the graph, `input` feeds the two cell inputs, every operation is a node with one predecessor, every sum a node `add` with
    two operations before it, and an operation feeds its sum alone. Whatever feeds no operation, unused cell inputs too, feeds the
    output. So two graphs are isomorphic exactly where the cells are the same but for the order of operands and of nodes.
    """

    num_sums: int = 5
    name: str = "enas_micro"
    operations: tuple[str, ...] = (*CELL_INPUTS, SUM, *OPERATIONS)

    @property
    def max_nodes(self) -> int:
        return _num_nodes(self.num_sums)

    @property
    def vocabulary(self) -> tuple[str, ...]:
        return vocabulary_of(self.operations)

    @property
    def size(self) -> int:
        return count_cells(self.num_sums, len(OPERATIONS))

    def validate(self, architecture: Architecture, max_nodes: int | None = None) -> None:
        faults = label_faults(self, architecture)
        faults += size_faults(architecture, self.max_nodes, max(max_nodes or 0, self.max_nodes))
        if not faults and (architecture.num_nodes - self.max_nodes) % 3:
            message = (
                f"expected three nodes for every sum and four besides, got {architecture.num_nodes} nodes; complete the last sum"
            )
            faults.append(Fault("/nodes", message))
        for label in CELL_INPUTS:
            found = architecture.nodes.count(label)
            if found != 1:
                faults.append(Fault("/nodes", f"expected one node '{label}', got {found}; every cell has its two inputs"))
        faults += _edge_faults(architecture)
        raise_if_any(faults)

    def sample(self, rng: np.random.Generator) -> Architecture:
        """One cell, uniform over the ENAS lists: each source uniform over what comes before, each operation over all.

        Cells that many lists describe, by the order of operands and of nodes, come more often.
        """
        pairs = []
        for node in range(self.num_sums):
            sources = rng.integers(node + 2, size=2).tolist()
            codes = rng.integers(len(OPERATIONS), size=2).tolist()
            pairs.append(((sources[0], OPERATIONS[codes[0]]), (sources[1], OPERATIONS[codes[1]])))
        return self._build(pairs)

    def neighbours(self, architecture: Architecture, max_nodes: int | None = None) -> list[Architecture]:
        """One operation changed, or one source where no cycle arises; to grow, an operation on any node is added to that node."""
        self.validate(architecture, max_nodes)
        pairs = _pairs(canonicalise(architecture))
        found = {self._build(pairs): None}
        for node, side in itertools.product(range(len(pairs)), range(2)):
            source, operation = pairs[node][side]
            after = _depending(pairs, node)
            changed = [(source, label) for label in OPERATIONS if label != operation]
            changed += [(other, operation) for other in range(len(pairs) + 2) if other != source and other - 2 not in after]
            for operand in changed:
                pair = (operand, pairs[node][1 - side])
                found.setdefault(self._build([*pairs[:node], pair, *pairs[node + 1 :]]))
        if max_nodes is not None and architecture.num_nodes + 3 <= max_nodes:
            for source, label in itertools.product(range(len(pairs) + 2), OPERATIONS):
                found.setdefault(self._build([*pairs, ((source, label), (source, "identity"))]))
        return list(found)[1:]

    def enumerate(self) -> Iterator[Architecture]:
        if self.size > _ENUMERABLE:
            raise SpaceTooLarge(f"'{self.name}' with {self.num_sums} nodes a cell has {self.size} architectures; sample it instead")
        choices = []
        for node in range(self.num_sums):
            operands = list(itertools.product(range(node + 2), OPERATIONS))
            choices.append(list(itertools.combinations_with_replacement(operands, 2)))
        yield from dict.fromkeys(self._build(pairs) for pairs in itertools.product(*choices))

    def grammar(self, max_nodes: int | None = None) -> Grammar:
        num_sums = (max(max_nodes or 0, self.max_nodes) - 4) // 3
        rules = (
            *(LabelRule((label,), 1, 1, (INPUT,)) for label in CELL_INPUTS),
            LabelRule((SUM,), num_sums, 2, OPERATIONS),
            LabelRule(OPERATIONS, 2 * num_sums, 1, (*CELL_INPUTS, SUM), single_use=True),
        )
        nodes = _num_nodes(num_sums)
        return Grammar(self.vocabulary, nodes, nodes, output_rule=OutputRule.LOOSE_ENDS, label_rules=rules)

    def parse_native(self, value: Any) -> Architecture:
        """The ENAS list `[source, operation, source, operation]` of every node, also as JSON text or as one flat list.

        Sources 0 and 1 are the outputs of the last cell but one and of the last cell; the first node is source 2.
        """
        pairs = [_parse_row(row, node) for node, row in enumerate(_rows(value))]
        if len(pairs) < self.num_sums:
            raise InvalidArchitecture([Fault("", f"expected a list of {self.num_sums} nodes, got {len(pairs)}")])
        return self._build(pairs)

    def format_native(self, architecture: Architecture) -> list[list[int]]:
        rows = []
        for pair in _pairs(canonicalise(architecture)):
            operands = sorted((source, OPERATIONS.index(label)) for source, label in pair)
            rows.append([*operands[0], *operands[1]])
        return rows

    def _build(self, pairs: Sequence[Pair]) -> Architecture:
        """The canonical graph of pairs whose sources may stand in any order, without cycles."""
        nodes, edges = [INPUT, *CELL_INPUTS], [(0, 1), (0, 2)]
        place_of_source = [1, 2, *(5 + 3 * node for node in range(len(pairs)))]
        used = set()
        for node, pair in enumerate(pairs):
            place = 3 + 3 * node
            for offset, (source, label) in enumerate(pair):
                nodes.append(label)
                edges += [(place_of_source[source], place + offset), (place + offset, place + 2)]
                used.add(source)
            nodes.append(SUM)
        edges += [(place, len(nodes)) for source, place in enumerate(place_of_source) if source not in used]
        return canonicalise(from_graph(self.name, [*nodes, OUTPUT], edges))


def _num_nodes(num_sums: int) -> int:
    return 4 + 3 * num_sums


def _edge_faults(architecture: Architecture) -> list[Fault]:
    """One fault for every node that takes or feeds what it must not."""
    faults = []
    labels, last = architecture.nodes, architecture.num_nodes - 1
    rules = {SUM: (2, "two operations", OPERATIONS), **dict.fromkeys(CELL_INPUTS, (1, "the input alone", (INPUT,)))}
    for node in range(1, last):
        label, sources = labels[node], [labels[source] for source in architecture.predecessors(node)]
        number, expected, allowed = rules.get(label, (1, "one cell input or sum", (*CELL_INPUTS, SUM)))
        if len(sources) != number or any(source not in allowed for source in sources):
            faults.append(_fault(node, label, f"takes {expected}", sources))
        targets = [labels[target] for target in architecture.successors(node)]
        if label in OPERATIONS:
            if targets != [SUM]:
                faults.append(_fault(node, label, "feeds one sum alone", targets))
        elif not targets or (OUTPUT in targets and len(targets) > 1):
            faults.append(_fault(node, label, "feeds operations, or the output alone where it feeds none", targets))
    if (0, last) in architecture.edges:
        faults.append(Fault("/edges", "the input feeds the two cell inputs alone; remove its edge to the output"))
    return faults


def _fault(node: int, label: str, rule: str, found: list[str]) -> Fault:
    return Fault(f"/nodes/{node}", f"node {node} ('{label}') {rule}, got {', '.join(found) or 'nothing'}; change its edges")


def _pairs(architecture: Architecture) -> list[Pair]:
    """The operands of every sum, in the order of the graph."""
    sums = [node for node, label in enumerate(architecture.nodes) if label == SUM]
    source_of = {architecture.nodes.index(label): source for source, label in enumerate(CELL_INPUTS)}
    source_of.update({node: source for source, node in enumerate(sums, start=2)})
    pairs = []
    for node in sums:
        first, second = (
            (source_of[architecture.predecessors(operation)[0]], architecture.nodes[operation])
            for operation in architecture.predecessors(node)
        )
        pairs.append((first, second))
    return pairs


def _depending(pairs: Sequence[Pair], node: int) -> set[int]:
    """The node and all that it feeds, directly or not."""
    found = {node}
    while more := {
        other for other, pair in enumerate(pairs) if other not in found and any(source - 2 in found for source, _ in pair)
    }:
        found |= more
    return found


def _rows(value: Any) -> list[Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (json.JSONDecodeError, RecursionError) as error:
            raise InvalidArchitecture([Fault("", f"expected a JSON list of nodes: {error}")]) from error
    if not isinstance(value, list):
        raise InvalidArchitecture([Fault("", f"expected a list of nodes, got {type(value).__name__}")])
    if value and all(type(item) is int for item in value):
        return [value[start : start + 4] for start in range(0, len(value), 4)]
    return value


def _parse_row(row: Any, node: int) -> Pair:
    pointer = f"/{node}"
    if not (isinstance(row, list) and len(row) == 4 and all(type(item) is int for item in row)):
        raise InvalidArchitecture([Fault(pointer, f"node {node} must be [source, operation, source, operation], got {row!r:.80}")])
    for place, limit, what in ((0, node + 2, "source"), (1, 5, "operation"), (2, node + 2, "source"), (3, 5, "operation")):
        if not 0 <= row[place] < limit:
            message = f"{what} {row[place]} of node {node} is not in 0..{limit - 1}"
            raise InvalidArchitecture([Fault(f"{pointer}/{place}", message)])
    return (row[0], OPERATIONS[row[1]]), (row[2], OPERATIONS[row[3]])
