"""Architectures from files for a server, read by the rules of the server's space."""

from pathlib import Path

from svge_client import Architecture, Client

from models.spaces.registry import define_space, get_space
from models.spaces.space import SearchSpace, UnknownSpace
from service.commands.documents import read_architectures


def read_graphs(client: Client, source: Path, space: str) -> list[Architecture]:
    """The architectures of a file, or of standard input for `-`. Raises `ValueError` that names the line at fault."""
    found = [Architecture(one.space, one.nodes, one.edges) for one in read_architectures(source, _space(client, space))]
    if not found:
        raise ValueError("no architecture was given; give one a line, as JSON")
    return found


def _space(client: Client, name: str) -> SearchSpace:
    try:
        return get_space(name)
    except UnknownSpace:
        for space in client.spaces():
            if space.name == name and space.definition is not None:
                return define_space(space.definition)
        raise
