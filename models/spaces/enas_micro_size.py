"""How many cells of the ENAS micro space there are up to isomorphism, by Burnside's lemma.

Give the k sums of a cell the names 1 to k. Renaming them acts on the acyclic cells, and the cells up to isomorphism are its orbits:
their number is the mean over all k! renamings of how many cells a renaming leaves as they are.

Such a renaming is an automorphism of the cell, and those keep the depth of a node, so that the sums of one of its cycles never feed
each other. The pair of one sum of a cycle of length c decides the pairs of the others, and must itself be kept by the c-th power
of the renaming. That power fixes the operands whose source is a cell input or lies in a cycle whose length divides c; it swaps two
operands where the length divides 2c but not c. So a cycle can take f (f + 1) / 2 + s / 2 unordered pairs from f fixed and s swapped
operands. What remains is to count acyclic choices between cycles, by inclusion and exclusion over the cycles that feed nothing.
"""

import itertools
import math
from collections import Counter
from collections.abc import Iterator
from functools import cache, lru_cache

NUM_INPUTS = 2


@lru_cache(maxsize=32)
def count_cells(num_sums: int, num_operations: int) -> int:
    """The number of cells with `num_sums` sums, up to the order of operands and sums."""
    total = 0
    for cycles in _partitions(num_sums):
        renamings = math.factorial(num_sums) // math.prod(
            length**times * math.factorial(times) for length, times in Counter(cycles).items()
        )
        total += renamings * _kept_cells(cycles, num_operations)
    return total // math.factorial(num_sums)


def _kept_cells(cycles: tuple[int, ...], num_operations: int) -> int:
    """How many acyclic cells a renaming with cycles of these lengths keeps."""

    @cache
    def count(present: frozenset[int]) -> int:
        if not present:
            return 1
        total = 0
        for size in range(1, len(present) + 1):
            for ends in itertools.combinations(sorted(present), size):
                rest = present - set(ends)
                lengths = [cycles[index] for index in rest]
                ways = math.prod(_kept_pairs(cycles[end], lengths, num_operations) for end in ends)
                total += (-1) ** (size + 1) * ways * count(rest)
        return total

    return count(frozenset(range(len(cycles))))


def _kept_pairs(length: int, sources: list[int], num_operations: int) -> int:
    """How many unordered pairs of operands a sum in a cycle of this length can take from cell inputs and cycles of sources."""
    fixed = num_operations * (NUM_INPUTS + sum(source for source in sources if length % source == 0))
    swapped = num_operations * sum(source for source in sources if length % source and 2 * length % source == 0)
    return fixed * (fixed + 1) // 2 + swapped // 2


def _partitions(number: int, largest: int | None = None) -> Iterator[tuple[int, ...]]:
    """All ways to write a number as a sum of positive ones in falling order."""
    if number == 0:
        yield ()
        return
    for first in range(min(number, largest or number), 0, -1):
        for rest in _partitions(number - first, first):
            yield (first, *rest)
