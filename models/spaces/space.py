"""The contract of a search space, and the rules that every space shares."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from models.architectures.architecture import INPUT, OUTPUT, Architecture, Fault, InvalidArchitecture
from models.spaces.grammar import Grammar


class SearchSpace(Protocol):
    """A set of architectures closed under isomorphism.

    Every method that returns architectures returns them valid and in canonical order.
    """

    @property
    def name(self) -> str: ...

    @property
    def operations(self) -> tuple[str, ...]: ...

    @property
    def max_nodes(self) -> int:
        """The largest number of nodes, input and output included, of the space as it is trained."""
        ...

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """`input`, `output`, then the operations; the index of a label is its type in the model."""
        ...

    @property
    def size(self) -> int | None:
        """The number of architectures up to isomorphism; None where it is not known in closed form."""
        ...

    def validate(self, architecture: Architecture, max_nodes: int | None = None) -> None:
        """Raise `InvalidArchitecture` naming every broken rule; `max_nodes` enlarges the space for extrapolation."""
        ...

    def sample(self, rng: np.random.Generator) -> Architecture:
        """One architecture, uniform over the space where its own `sample` does not say otherwise."""
        ...

    def neighbours(self, architecture: Architecture, max_nodes: int | None = None) -> list[Architecture]:
        """All distinct valid architectures one edit away (one label, one edge, or one node with its edges), in a fixed order."""
        ...

    def enumerate(self) -> Iterator[Architecture]:
        """Every architecture once, in a fixed order. Raises `SpaceTooLarge` where that is not practical."""
        ...

    def grammar(self, max_nodes: int | None = None) -> Grammar:
        """The decoding rules, for the trained size or for a larger one."""
        ...

    def parse_native(self, value: Any) -> Architecture:
        """The architecture written in the community's own form. Raises `InvalidArchitecture`."""
        ...

    def format_native(self, architecture: Architecture) -> Any:
        """The community's own form, a JSON value."""
        ...


class SpaceTooLarge(ValueError):
    """A space has too many architectures to list them all; sample it instead."""


class UnknownSpace(ValueError):
    """No search space has this name."""


def label_faults(space: SearchSpace, architecture: Architecture) -> list[Fault]:
    """The faults in the space's name and in the labels."""
    faults = []
    if architecture.space != space.name:
        faults.append(Fault("/space", f"expected an architecture of '{space.name}', got one of '{architecture.space}'"))
    for index, label in enumerate(architecture.nodes[1:-1], start=1):
        if label not in space.operations:
            choices = ", ".join(space.operations)
            faults.append(Fault(f"/nodes/{index}", f"unknown operation '{label}'; '{space.name}' has {choices}"))
    return faults


def size_faults(architecture: Architecture, min_nodes: int, max_nodes: int) -> list[Fault]:
    """The faults in the number of nodes."""
    if min_nodes <= architecture.num_nodes <= max_nodes:
        return []
    expected = f"exactly {min_nodes}" if min_nodes == max_nodes else f"{min_nodes} to {max_nodes}"
    return [
        Fault(
            "/nodes", f"expected {expected} nodes with input and output, got {architecture.num_nodes}; choose max_nodes accordingly"
        )
    ]


def path_faults(architecture: Architecture) -> list[Fault]:
    """One fault for every node that lies on no path from the input to the output."""
    useful = nodes_on_paths(architecture)
    return [
        Fault(f"/nodes/{node}", f"node {node} ('{label}') lies on no path from input to output; connect it or remove it")
        for node, label in enumerate(architecture.nodes)
        if node not in useful
    ]


def nodes_on_paths(architecture: Architecture) -> set[int]:
    """The nodes that lie on some path from the input to the output."""
    forward, backward = {0}, {architecture.num_nodes - 1}
    for source, target in architecture.edges:
        if source in forward:
            forward.add(target)
    for source, target in sorted(architecture.edges, key=lambda edge: -edge[1]):
        if target in backward:
            backward.add(source)
    return forward & backward


def raise_if_any(faults: Sequence[Fault]) -> None:
    if faults:
        raise InvalidArchitecture(faults)


def vocabulary_of(operations: Sequence[str]) -> tuple[str, ...]:
    return (INPUT, OUTPUT, *operations)
