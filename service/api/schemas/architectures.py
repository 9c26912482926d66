"""An architecture on the wire."""

from typing import Annotated, Any

from pydantic import Field

from models.architectures.architecture import Architecture
from service.api.schemas.fields import Json, Schema, shown
from service.studies.architectures import Graph

CELL: Json = {
    "space": "nasbench101",
    "nodes": ["input", "conv3x3", "maxpool3x3", "output"],
    "edges": [[0, 1], [0, 2], [1, 2], [2, 3]],
}
NATIVE: Json = {
    "matrix": [[0, 1, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]],
    "ops": ["input", "conv3x3-bn-relu", "maxpool3x3", "output"],
}

Label = Annotated[str, Field(strict=True, max_length=100, pattern=r"^[\x20-\x7e]*$")]
NodeIndex = Annotated[int, Field(strict=True, ge=0, le=10_000)]


class ArchitectureSchema(Schema):
    """A labelled DAG: `nodes` are labels, `input` first and `output` last; `edges` are pairs of node indices."""

    model_config = shown(CELL)

    space: Annotated[Label | None, Field(description="The search space; may be left out where the request names it.")] = None
    nodes: Annotated[list[Label], Field(max_length=256, fail_fast=True)]
    edges: Annotated[list[tuple[NodeIndex, NodeIndex]], Field(max_length=4096, fail_fast=True)]

    def graph(self) -> Graph:
        return Graph(self.nodes, self.edges, self.space)


class CanonicalArchitecture(Schema):
    """A labelled DAG in canonical order: isomorphic architectures are equal."""

    model_config = shown(CELL)

    space: str
    nodes: list[str]
    edges: list[tuple[int, int]]


Native = Annotated[Any, Field(description="The architecture in its community's own form.", examples=[NATIVE])]


def architecture_schema(architecture: Architecture) -> CanonicalArchitecture:
    return CanonicalArchitecture(space=architecture.space, nodes=list(architecture.nodes), edges=list(architecture.edges))
