"""What a decoder may do next: the rules of a space as plain data, so that sampling can mask whole batches at once.

The masked sampling itself is in `models/svge/sampling.py`; whether a finished graph belongs to a space is the space's `validate`.
"""

from dataclasses import dataclass
from enum import Enum


class OutputRule(Enum):
    """Which nodes feed the output node."""

    DANGLING = "dangling"
    """Every node without a successor, and any others within the edge limit."""
    FIXED = "fixed"
    """Exactly the required edges of the last position."""


@dataclass(frozen=True)
class Grammar:
    """The rules of graphs that are built one node at a time, each new node choosing its predecessors.

    `vocabulary` lists `input`, `output`, then the operations; a label's index in it is its type.
    `min_nodes` and `max_nodes` bound the number of nodes with input and output; the node at `max_nodes - 1` is the output.
    `max_edges` bounds the number of edges, or is None.
    `required_edges` are always present; with `free_edges` every other edge may be chosen, without it none may.
    """

    vocabulary: tuple[str, ...]
    min_nodes: int
    max_nodes: int
    max_edges: int | None = None
    required_edges: frozenset[tuple[int, int]] = frozenset()
    free_edges: bool = True
    output_rule: OutputRule = OutputRule.DANGLING
