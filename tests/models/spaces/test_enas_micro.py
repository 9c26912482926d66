"""ENAS micro: the graph of a cell, exactly one for each cell, the list form, the number of cells, and the rules."""

import itertools
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.architectures.architecture import Architecture, InvalidArchitecture
from models.architectures.canonical import canonical_id
from models.spaces.enas_micro import OPERATIONS, EnasMicro
from models.spaces.enas_micro_size import count_cells
from models.spaces.space import SpaceTooLarge
from tests.strategies import members

SPACE = EnasMicro()
ROWS = [[0, 0, 1, 4], [1, 1, 2, 2], [0, 3, 0, 3], [2, 4, 4, 0], [5, 1, 1, 1]]
Cell = tuple[tuple[tuple[int, int], tuple[int, int]], ...]


def cells(num_sums: int, num_operations: int) -> set[Cell]:
    """All cells up to the order of operands and of sums, each as the smallest of its renamed lists."""
    operands = [list(itertools.product(range(node + 2), range(num_operations))) for node in range(num_sums)]
    lists = itertools.product(*(itertools.combinations_with_replacement(choices, 2) for choices in operands))
    return {min(renamed(cell, order) for order in itertools.permutations(range(num_sums))) for cell in lists}


def renamed(cell: Cell, order: tuple[int, ...]) -> Cell:
    """The cell whose node `order[i]` is the i-th node of this one; its sources need not come first."""
    name = {0: 0, 1: 1, **{node + 2: new + 2 for node, new in enumerate(order)}}
    rows = {order[node]: sorted((name[source], operation) for source, operation in pair) for node, pair in enumerate(cell)}
    return tuple(tuple(rows[node]) for node in range(len(cell)))  # type: ignore[misc]


@pytest.mark.parametrize(("num_sums", "num_operations"), [(1, 1), (1, 5), (2, 1), (2, 2), (2, 5), (3, 1), (3, 2), (4, 1)])
def test_the_formula_counts_what_brute_force_finds(num_sums: int, num_operations: int) -> None:
    assert count_cells(num_sums, num_operations) == len(cells(num_sums, num_operations))


def test_graphs_are_isomorphic_exactly_where_cells_are_equal() -> None:
    """Every cell of two sums has its own graph, by its list in any order."""
    ids: dict[Cell, str] = {}
    space = EnasMicro(num_sums=2)
    for cell in sorted(cells(2, 5))[::7]:
        rows = [[*first, *second] for first, second in cell]
        swapped = [rows[0], rows[1][2:] + rows[1][:2]]
        names = {canonical_id(space.parse_native(value)) for value in (rows, swapped) if valid(value)}
        if names:
            assert len(names) == 1
            ids[cell] = names.pop()
    assert len(set(ids.values())) == len(ids) > 500


def valid(rows: list[list[int]]) -> bool:
    return all(row[place] < node + 2 for node, row in enumerate(rows) for place in (0, 2))


def test_the_list_gives_the_graph_that_it_says() -> None:
    cell = SPACE.parse_native(ROWS)
    assert cell.num_nodes == SPACE.max_nodes == 19
    operations = [OPERATIONS[row[place]] for row in ROWS for place in (1, 3)]
    assert sorted(cell.nodes[1:-1]) == sorted(["input0", "input1", *["add"] * 5, *operations])
    ends = [cell.nodes[node] for node in cell.predecessors(18)]
    assert ends == ["add", "add"]  # the fourth and the fifth; sources 3 and 6 feed nothing
    assert SPACE.parse_native(json.dumps(ROWS)) == SPACE.parse_native(sum(ROWS, [])) == cell


def test_an_unused_cell_input_feeds_the_output() -> None:
    cell = SPACE.parse_native([[1, 0, 1, 0]] * 5)
    assert sorted(cell.nodes[node] for node in cell.predecessors(18)) == [*["add"] * 5, "input0"]


@given(members(SPACE), st.randoms(use_true_random=False))
def test_the_order_of_operands_and_of_sums_does_not_matter(cell: Architecture, random: Any) -> None:
    rows = [row if random.random() < 0.5 else row[2:] + row[:2] for row in SPACE.format_native(cell)]
    assert SPACE.parse_native(rows) == cell
    for first in range(4):  # two neighbours in the list may change places where the second does not take the first
        if first + 2 not in (rows[first + 1][0], rows[first + 1][2]):
            name = {first + 2: first + 3, first + 3: first + 2}
            swapped = [*rows[:first], rows[first + 1], rows[first], *rows[first + 2 :]]
            swapped = [[name.get(row[0], row[0]), row[1], name.get(row[2], row[2]), row[3]] for row in swapped]
            assert SPACE.parse_native(swapped) == cell


def test_neighbours_change_one_operation_or_one_source() -> None:
    rng = np.random.default_rng(0)
    for _ in range(5):
        cell = SPACE.sample(rng)
        neighbours = SPACE.neighbours(cell)
        operations = {other for other in neighbours if sorted(other.nodes) != sorted(cell.nodes)}
        assert 20 <= len(operations) <= 40
        assert all(len(set(map(tuple, SPACE.format_native(other)))) <= 5 for other in neighbours)
    assert {other.num_nodes for other in SPACE.neighbours(cell, 22)} == {19, 22}
    assert {other.num_nodes for other in SPACE.neighbours(cell, 21)} == {19}


def test_the_whole_space_is_too_large_to_list() -> None:
    assert SPACE.size == 31_355_379_836
    with pytest.raises(SpaceTooLarge, match="sample it instead"):
        next(SPACE.enumerate())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda n, e: (n, [*e, (0, 18)]), "the input feeds the two cell inputs alone"),
        (
            lambda n, e: (n, [edge for edge in e if edge != (17, 18)]),
            r"'add'\) feeds operations, .* got nothing",
        ),
        (lambda n, e: ([*n[:1], "conv3x3", *n[2:]], e), "expected one node 'input[01]', got 0"),
        (lambda n, e: ([*n[:-1], "add", "output"], [*[(u, v + (v == 18)) for u, v in e], (17, 18), (18, 19)]), "19 nodes"),
    ],
)
def test_each_broken_rule_is_named(change: Any, message: str) -> None:
    cell = SPACE.parse_native(ROWS)
    nodes, edges = change(list(cell.nodes), list(cell.edges))
    with pytest.raises(InvalidArchitecture, match=message):
        SPACE.validate(Architecture("enas_micro", tuple(nodes), tuple(edges)))


def test_an_operation_takes_one_thing_and_feeds_one_sum() -> None:
    cell = SPACE.parse_native(ROWS)
    operation = next(node for node, label in enumerate(cell.nodes) if label in OPERATIONS)
    with pytest.raises(InvalidArchitecture, match=rf"node {operation} .* feeds one sum alone, got .*output") as caught:
        SPACE.validate(Architecture(cell.space, cell.nodes, (*cell.edges, (operation, 18))))
    assert [fault.pointer for fault in caught.value.faults] == [f"/nodes/{operation}"]
    both = [cell.nodes.index("input0"), cell.nodes.index("input1")]
    with pytest.raises(InvalidArchitecture, match=rf"node {operation} .* takes one cell input or sum, got input"):
        SPACE.validate(Architecture(cell.space, cell.nodes, tuple({*cell.edges, *((node, operation) for node in both)})))


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        (None, ""),
        ("[[0]", ""),
        ({"0": [1]}, ""),
        ([], ""),
        (ROWS[:4], ""),
        ([[0, 0, 1]], "/0"),
        ([[0, 0, 1, True]], "/0"),
        ([[2, 0, 1, 0]], "/0/0"),
        ([[0, 5, 1, 0]], "/0/1"),
        ([[0, 0, -1, 0]], "/0/2"),
        ([[0, 0, 1, 0], [3, 0, 1, 0]], "/1/0"),
        ([0, 0, 1, 0, 1], "/1"),
    ],
)
def test_malformed_lists_are_named(value: Any, pointer: str) -> None:
    with pytest.raises(InvalidArchitecture) as caught:
        SPACE.parse_native(value)
    assert [fault.pointer for fault in caught.value.faults] == [pointer]
