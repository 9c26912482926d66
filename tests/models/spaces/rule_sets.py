"""Small definitions that combine every rule of users' spaces with every other, and a large one."""

import itertools

from models.spaces.definition import Definition, InvalidDefinition

_SIZES = ((2, 4), (4, 4), (3, 5))

TEN_NODES = Definition("ten_nodes", tuple("abcdefgh"), max_nodes=10, min_nodes=4, max_edges=16)


def _definitions() -> tuple[Definition, ...]:
    found = []
    choices = itertools.product((False, True), (None, 1, 2), ("dangling", "last"), (None, 4, 5, 6))
    for number, (chain, ports, output, max_edges) in enumerate(choices):
        low, high = _SIZES[number % len(_SIZES)]
        try:
            found.append(Definition("tiny", ("a", "b"), high, low, max_edges, chain, ports, output))
        except InvalidDefinition:  # so few edges do not join so many nodes
            continue
    return tuple(found)


RULE_SETS = _definitions()
MORE_PORTS = Definition("more_ports", ("a", "b"), max_nodes=8, min_nodes=5, max_edges=16, ports=3, output="last")
"""With five nodes and three ports, loose ends must be gathered in time."""


def short(rules: Definition) -> str:
    """The rules in a few characters, for the name of a test."""
    chain = "chain" if rules.chain else "free"
    return f"{rules.min_nodes}to{rules.max_nodes}-{chain}-ports{rules.ports}-{rules.output}-edges{rules.max_edges}"
