"""The architecture value: a labelled directed acyclic graph, immutable and compared by content.

Isomorphism and the canonical order are in `canonical.py`, the rules of a particular search space in `models/spaces`.
"""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

INPUT = "input"
OUTPUT = "output"

Edge = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Fault:
    """One broken rule: `pointer` is the JSON pointer of the part at fault, `message` says what was expected and came."""

    pointer: str
    message: str


class InvalidArchitecture(ValueError):
    """An architecture breaks a rule of graphs or of its space; `faults` lists every broken rule found."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = tuple(faults)

    def __reduce__(self) -> tuple[type["InvalidArchitecture"], tuple[tuple[Fault, ...]]]:
        return type(self), (self.faults,)


@dataclass(frozen=True, slots=True)
class Architecture:
    """A labelled DAG. Node 0 is `input`, the last node is `output`, and every edge goes from a lower to a higher index.

    `nodes` are the labels in topological order, `edges` the sorted index pairs `(source, target)`.
    Raises `InvalidArchitecture` when one of these properties does not hold.
    """

    space: str
    nodes: tuple[str, ...]
    edges: tuple[Edge, ...]

    def __post_init__(self) -> None:
        faults = _faults(self.nodes, self.edges)
        faults += [
            Fault(f"/edges/{index}", f"edge {edge} must go from a lower to a higher index; list the nodes in topological order")
            for index, edge in enumerate(self.edges)
            if edge[0] >= edge[1]
        ]
        if faults:
            raise InvalidArchitecture(faults)
        object.__setattr__(self, "edges", tuple(sorted(self.edges)))

    @property
    def num_nodes(self) -> int:
        return len(self.nodes)

    def predecessors(self, node: int) -> tuple[int, ...]:
        return tuple(source for source, target in self.edges if target == node)

    def successors(self, node: int) -> tuple[int, ...]:
        return tuple(target for source, target in self.edges if source == node)

    def with_order(self, order: Sequence[int]) -> "Architecture":
        """The same graph with node `order[i]` at position i; `order` must be topological."""
        position = {node: index for index, node in enumerate(order)}
        nodes = tuple(self.nodes[node] for node in order)
        return Architecture(self.space, nodes, tuple((position[u], position[v]) for u, v in self.edges))


def from_graph(space: str, nodes: Sequence[str], edges: Iterable[Edge]) -> Architecture:
    """The architecture of a graph whose nodes stand in any order, except that `input` is first and `output` last.

    Raises `InvalidArchitecture` for unknown indices, repeated edges and cycles (naming one cycle).
    """
    edge_list = [(int(u), int(v)) for u, v in edges]
    faults = _faults(nodes, edge_list)
    if faults:
        raise InvalidArchitecture(faults)
    keys = [(0 if node == 0 else 2 if node == len(nodes) - 1 else 1, node) for node in range(len(nodes))]
    order = topological_order(edge_list, keys)
    if order is None:
        cycle = _find_cycle(len(nodes), edge_list)
        raise InvalidArchitecture(
            [Fault("/edges", f"the graph has the cycle {' -> '.join(map(str, cycle))}; remove one of its edges")]
        )
    if order[0] != 0 or order[-1] != len(nodes) - 1:
        raise InvalidArchitecture([Fault("/edges", "no edge may enter the input (node 0) or leave the output (the last node)")])
    position = {node: index for index, node in enumerate(order)}
    return Architecture(space, tuple(nodes[node] for node in order), tuple((position[u], position[v]) for u, v in edge_list))


def topological_order(edges: Sequence[Edge], keys: Sequence[tuple[int, ...]]) -> list[int] | None:
    """The topological order of `len(keys)` nodes in which ties go to the smallest key; None if there is a cycle."""
    waiting = [0] * len(keys)
    successors: list[list[int]] = [[] for _ in keys]
    for source, target in edges:
        waiting[target] += 1
        successors[source].append(target)
    ready = [(keys[node], node) for node in range(len(keys)) if not waiting[node]]
    heapq.heapify(ready)
    order = []
    while ready:
        _, node = heapq.heappop(ready)
        order.append(node)
        for target in successors[node]:
            waiting[target] -= 1
            if not waiting[target]:
                heapq.heappush(ready, (keys[target], target))
    return order if len(order) == len(keys) else None


def _faults(nodes: Sequence[str], edges: Sequence[Edge]) -> list[Fault]:
    if len(nodes) < 2:
        return [Fault("/nodes", f"expected at least 2 nodes (input and output), got {len(nodes)}")]
    faults = []
    if nodes[0] != INPUT:
        faults.append(Fault("/nodes/0", f"the first node must be '{INPUT}', got '{nodes[0]}'"))
    if nodes[-1] != OUTPUT:
        faults.append(Fault(f"/nodes/{len(nodes) - 1}", f"the last node must be '{OUTPUT}', got '{nodes[-1]}'"))
    for index, label in enumerate(nodes[1:-1], start=1):
        if label in (INPUT, OUTPUT):
            faults.append(Fault(f"/nodes/{index}", f"'{label}' may stand only at the first or last place; name an operation here"))
    seen = set()
    for index, (source, target) in enumerate(edges):
        pointer = f"/edges/{index}"
        if not (0 <= source < len(nodes) and 0 <= target < len(nodes)):
            faults.append(
                Fault(
                    pointer, f"edge ({source}, {target}) names a node outside 0..{len(nodes) - 1}; use places in the list of nodes"
                )
            )
        elif source == target:
            faults.append(Fault(pointer, f"edge ({source}, {target}) joins a node to itself; remove it"))
        elif (source, target) in seen:
            faults.append(Fault(pointer, f"edge ({source}, {target}) is listed twice; list it once"))
        seen.add((source, target))
    return faults


def _find_cycle(num_nodes: int, edges: Sequence[Edge]) -> list[int]:
    predecessors: dict[int, list[int]] = {node: [] for node in range(num_nodes)}
    for source, target in edges:
        predecessors[target].append(source)
    alive = set(range(num_nodes))
    while removable := {node for node in alive if not any(p in alive for p in predecessors[node])}:
        alive -= removable
    path: list[int] = [min(alive)]
    while True:
        previous = next(p for p in predecessors[path[-1]] if p in alive)
        if previous in path:
            cycle = path[path.index(previous) :]
            return [previous, *reversed(cycle)]
        path.append(previous)
