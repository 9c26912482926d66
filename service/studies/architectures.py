"""Reading the architectures that callers send: into canonical form, or an error that points at the part at fault."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.architectures.architecture import Architecture, Edge, Fault, InvalidArchitecture, from_graph
from models.architectures.canonical import canonicalise
from models.spaces.space import SearchSpace
from service.errors import ArchitectureRejected


@dataclass(frozen=True, slots=True)
class Graph:
    """An architecture as it was sent: nodes in any order with `input` first and `output` last, `space` None where it is known."""

    nodes: Sequence[str]
    edges: Sequence[Edge]
    space: str | None = None


def read_architecture(space: SearchSpace, graph: Graph, pointer: str) -> Architecture:
    """The canonical form of one graph. Raises `ArchitectureRejected`; `pointer` is where in the request the graph stands."""
    try:
        architecture = from_graph(graph.space or space.name, graph.nodes, graph.edges)
        space.validate(architecture)
    except InvalidArchitecture as error:
        faults = [Fault(pointer + fault.pointer, fault.message) for fault in error.faults]
        raise ArchitectureRejected(faults) from error
    return canonicalise(architecture)


def read_architectures(space: SearchSpace, graphs: Sequence[Graph], pointer: str) -> list[Architecture]:
    """The canonical forms of many graphs. Raises `ArchitectureRejected` with the faults of all of them."""
    architectures: list[Architecture] = []
    faults: list[Fault] = []
    for index, graph in enumerate(graphs):
        try:
            architectures.append(read_architecture(space, graph, f"{pointer}/{index}"))
        except ArchitectureRejected as error:
            faults += error.faults
    if faults:
        raise ArchitectureRejected(faults)
    return architectures
