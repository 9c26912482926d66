"""Graphviz text read by pydot, a parser of the DOT language: labels and edges of each graph or cluster."""

import pydot

Parsed = tuple[dict[str, str], list[tuple[str, str]]]
"""The labels by name of the node, and the edges by names."""


def parse(text: str) -> tuple[list[Parsed], list[str]]:
    """The graph itself, or its clusters where it has some, with the labels of these. Fails where the text is no single digraph."""
    graphs = pydot.graph_from_dot_data(text)
    assert graphs is not None
    (graph,) = graphs
    assert graph.get_type() == "digraph"
    clusters = graph.get_subgraphs()
    return [_parsed(part) for part in clusters or [graph]], [unquoted(cluster.get_label()) for cluster in clusters]


def unquoted(text: str) -> str:
    """What Graphviz shows for a quoted label."""
    assert text[0] == text[-1] == '"'
    return text[1:-1].replace('\\"', '"').replace("\\\\", "\\")


def _parsed(graph: pydot.Graph) -> Parsed:
    labels = {node.get_name(): unquoted(node.get_label()) for node in graph.get_nodes() if node.get_name() != "node"}
    return labels, [(edge.get_source(), edge.get_destination()) for edge in graph.get_edges()]
