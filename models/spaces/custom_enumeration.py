"""All architectures of a user's space, where they are few: each once, up to isomorphism.

Every graph comes from a smaller one by a last operation that feeds nothing yet. So the graphs without output are built level by
level, and of those that are isomorphic one is kept; at the end each gets every output it may have.
"""

import itertools
import math
from collections.abc import Iterator
from functools import lru_cache

from models.architectures.architecture import INPUT, OUTPUT, Architecture, Edge
from models.architectures.canonical import canonicalise
from models.spaces.definition import Definition
from models.spaces.space import SpaceTooLarge

_ENUMERABLE = 200_000
_COUNTABLE = 20_000
"""Counting by listing takes 0.1 ms each, and is asked for by whoever lists the spaces."""


def enumerate_architectures(rules: Definition) -> Iterator[Architecture]:
    """Every architecture once, in a fixed order. Raises `SpaceTooLarge` where building them could take more than a minute."""
    bound = _chained_count(rules) if rules.chain else _ordered_bound(rules)
    if bound > _ENUMERABLE:
        raise SpaceTooLarge(f"'{rules.name}' has up to {bound} architectures to go through; sample it instead")
    return _listed(rules)


@lru_cache(maxsize=64)
def count_architectures(rules: Definition) -> int | None:
    """The number of architectures up to isomorphism; None where neither a formula nor a short listing gives it."""
    if rules.chain:
        return _chained_count(rules)
    return sum(1 for _ in _listed(rules)) if _ordered_bound(rules) <= _COUNTABLE else None


def _chained_count(rules: Definition) -> int:
    """With a chain the order of the nodes is fixed, so that every choice of labels and skips is another architecture."""
    total = 0
    for num_nodes in range(rules.min_nodes, rules.max_nodes + 1):
        last = num_nodes - 1
        into_output = 0 if rules.output == "last" else max(0, last - 1)
        if rules.ports is None:
            fixed, open_skips, ways = 0, math.comb(max(0, last - 1), 2) + into_output, 1
        else:
            taken = [min(rules.ports, node) - 1 for node in range(1, last)]
            fixed, open_skips = sum(taken), into_output
            ways = math.prod(math.comb(node - 1, number) for node, number in enumerate(taken, start=1))
        spare = open_skips if rules.max_edges is None else min(open_skips, rules.max_edges - last - fixed)
        total += ways * _subsets(open_skips, spare) * len(rules.operations) ** (num_nodes - 2)
    return total


def _subsets(number: int, largest: int) -> int:
    """How many subsets with at most `largest` members a set of so many has."""
    if 2 * largest >= number:  # fewer terms are left out than taken
        return (1 << number) - (_subsets(number, number - largest - 1) if largest < number else 0)
    term = total = 1
    for taken in range(largest):  # each binomial from the one before: computing thousands anew takes minutes
        term = term * (number - taken) // (taken + 1)
        total += term
    return total


def _ordered_bound(rules: Definition) -> int:
    """At least the number of graphs in any order of the nodes."""
    total = 0
    for num_nodes in range(rules.min_nodes, rules.max_nodes + 1):
        last = num_nodes - 1
        ways = math.prod(2**node - 1 if rules.ports is None else math.comb(node, min(rules.ports, node)) for node in range(1, last))
        outputs = 1 if rules.output == "last" else 2**last - 1
        total += ways * outputs * len(rules.operations) ** (num_nodes - 2)
    return total


def _listed(rules: Definition) -> Iterator[Architecture]:
    level = [Architecture(rules.name, (INPUT, OUTPUT), ((0, 1),))]
    for num_nodes in range(2, rules.max_nodes + 1):
        if num_nodes >= rules.min_nodes:
            yield from dict.fromkeys(ended for start in level for ended in _ended(rules, start))
        if num_nodes < rules.max_nodes:
            level = list(dict.fromkeys(longer for start in level for longer in _extended(rules, start)))


def _extended(rules: Definition, start: Architecture) -> Iterator[Architecture]:
    """Every start with one operation more. A start is a graph whose output stands for the end: all loose ends feed it."""
    last = start.num_nodes - 1
    kept = [(u, v) for u, v in start.edges if v != last]
    sizes = range(1, last + 1) if rules.ports is None else [min(rules.ports, last)]
    for sources in itertools.chain.from_iterable(itertools.combinations(range(last), size) for size in sizes):
        if rules.chain and last - 1 not in sources:
            continue
        edges = [*kept, *((source, last) for source in sources)]
        edges += _loose(edges, last + 1)
        if rules.max_edges is not None and len(edges) > rules.max_edges:
            continue
        for label in rules.operations:
            yield canonicalise(Architecture(rules.name, (*start.nodes[:-1], label, OUTPUT), tuple(edges)))


def _ended(rules: Definition, start: Architecture) -> Iterator[Architecture]:
    """Every architecture that a start becomes when its output is chosen."""
    last = start.num_nodes - 1
    loose = start.predecessors(last)
    if rules.output == "last":
        yield from [start] if len(loose) == 1 else []
        return
    others = [node for node in range(last) if node not in loose]
    for more in itertools.chain.from_iterable(itertools.combinations(others, size) for size in range(len(others) + 1)):
        if rules.max_edges is None or len(start.edges) + len(more) <= rules.max_edges:
            yield canonicalise(Architecture(rules.name, start.nodes, (*start.edges, *((node, last) for node in more))))


def _loose(edges: list[Edge], last: int) -> list[Edge]:
    """An edge into the end for every node that feeds nothing."""
    feeding = {source for source, _ in edges}
    return [(node, last) for node in range(last) if node not in feeding]
