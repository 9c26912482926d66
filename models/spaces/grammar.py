"""What a decoder may do next: the rules of a space as plain data, so that sampling can mask whole batches at once.

The masked sampling itself is in `models/svge/sampling.py`; whether a finished graph belongs to a space is the space's `validate`.
"""

from dataclasses import dataclass
from enum import Enum


class OutputRule(Enum):
    """Which nodes feed the output node."""

    DANGLING = "dangling"
    """Every node without a successor, and any others within the edge limit."""
    LOOSE_ENDS = "loose_ends"
    """Every node without a successor, and no other."""
    LAST = "last"
    """One node alone, so that all others have a successor."""
    FIXED = "fixed"
    """Exactly the required edges of the last position."""


@dataclass(frozen=True)
class LabelRule:
    """What holds for the nodes that have one of some labels.

    There are `count` of them in all, each fed by exactly `in_degree` nodes, whose labels are among `predecessors`. With
    `single_use` each feeds exactly one node.
    """

    labels: tuple[str, ...]
    count: int
    in_degree: int
    predecessors: tuple[str, ...]
    single_use: bool = False


@dataclass(frozen=True)
class Grammar:
    """The rules of graphs that are built one node at a time, each new node choosing its predecessors.

    `vocabulary` lists `input`, `output`, then the operations; a label's index in it is its type.
    `min_nodes` and `max_nodes` bound the number of nodes with input and output; the node at `max_nodes - 1` is the output.
    `max_edges` bounds the number of edges, or is None; `max_nodes` nodes can be joined with so many.
    `required_edges` are always present; with `free_edges` every other edge may be chosen, without it none may.
    `ports` is how many predecessors every operation node has, all earlier nodes where there are fewer; None leaves it open.
    `label_rules` are either none or cover every operation. They must be such that a graph which keeps the counts and takes
    only what is there can always be finished, and add up to `max_nodes - 2` nodes, which is also the least number.
    """

    vocabulary: tuple[str, ...]
    min_nodes: int
    max_nodes: int
    max_edges: int | None = None
    required_edges: frozenset[tuple[int, int]] = frozenset()
    free_edges: bool = True
    output_rule: OutputRule = OutputRule.DANGLING
    ports: int | None = None
    label_rules: tuple[LabelRule, ...] = ()

    def missing_operations(self, num_nodes: int) -> int:
        """How many operation nodes a graph of `num_nodes` nodes without output must still get."""
        return max(0, self.min_nodes - 1 - num_nodes)

    def most_dangling(self, num_nodes: int) -> int:
        """With ports: how many of `num_nodes` nodes may dangle at most for the graph to be finished. It is never below 1.

        An operation with k ports gives a home to at most k dangling nodes and dangles itself, so that it leaves k - 1 fewer. For
        `LAST` all operations up to `max_nodes` may do so. For `DANGLING` only those count that must come, since one more costs
        more edges than the output saves: k for at most k - 1.
        """
        assert self.ports is not None, "without ports any number may dangle"
        if self.output_rule is OutputRule.LAST:
            return 1 + _taken_in(self.ports, num_nodes, self.max_nodes - 1)
        if self.max_edges is None:
            return num_nodes
        end = num_nodes + self.missing_operations(num_nodes)
        return self.max_edges - edges_by_ports(self.ports, end) + _taken_in(self.ports, num_nodes, end)


def edges_by_ports(ports: int, num_nodes: int) -> int:
    """The edges into the operations among the first `num_nodes` nodes, the input being the first."""
    return sum(min(ports, node) for node in range(1, num_nodes))


def _taken_in(ports: int, start: int, end: int) -> int:
    """How many dangling nodes fewer the operations at the places from `start` to before `end` can leave."""
    return sum(min(ports, node) - 1 for node in range(start, end))
