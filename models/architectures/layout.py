"""Where the nodes and edges of a drawing go: layers from top to bottom, as in Sugiyama, Tagawa & Toda (1981).

Every node lies one layer below its lowest predecessor. An edge that spans several layers runs through a lane in each layer between,
and all long edges of one node share its lanes, so that the edges of dense graphs stay readable. Sizes are in pixels; the picture
itself is in `drawing.py`.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.architectures.architecture import Architecture, Edge

Item = tuple[int, int]
"""Node and layer. In the node's own layer the item is the node itself, in a lower layer it is the lane of the node's long edges."""
Link = tuple[Item, Item]
"""A piece of an edge from an item to one in the next layer."""

LANE_GAP = 20.0
_NODE_GAP = 26.0
_SWEEPS = 12
_PULLS = (2.0, 0.5, 8.0)
"""How strongly a link draws its ends together, by the number of lanes among them: lanes stay straight, chains of nodes nearly."""


@dataclass(frozen=True)
class Layout:
    """`layers`: the items of each layer from left to right. `links`: the pieces of edges from one layer to the next.

    `x`: the centre of each item, the leftmost node or lane starting at 0. `layer_of`: the layer of each node.
    """

    layers: tuple[tuple[Item, ...], ...]
    links: tuple[Link, ...]
    x: Mapping[Item, float]
    layer_of: tuple[int, ...]

    def route(self, edge: Edge) -> list[Item]:
        """The items that an edge touches, from its source to its target."""
        source, target = edge
        lanes = [(source, layer) for layer in range(self.layer_of[source], self.layer_of[target])]
        return [*lanes, (target, self.layer_of[target])]


def lay_out(architecture: Architecture, widths: Sequence[float]) -> Layout:
    """The layout of an architecture whose nodes are `widths` pixels wide; the tidier of two starting orders."""
    layer_of = _layers(architecture)
    links = _links(architecture, layer_of)
    items = sorted({item for link in links for item in link} | set(enumerate(layer_of)))
    width_of = {(node, layer): widths[node] if layer_of[node] == layer else 0.0 for node, layer in items}
    found = []
    for swing in (0, 1):
        key = {item: (-1 if swing and item[0] % 2 else 1) * item[0] for item in items}
        start = [sorted((item for item in items if item[1] == layer), key=key.__getitem__) for layer in range(max(layer_of) + 1)]
        layers = _fewest_crossings(start, links)
        x = _coordinates(layers, links, width_of)
        found.append((_crossings(layers, links), sum(abs(x[upper] - x[lower]) for upper, lower in links), swing, layers, x))
    _, _, _, layers, x = min(found, key=lambda candidate: candidate[:3])
    left = min(x[item] - width_of[item] / 2 for item in items)
    return Layout(tuple(map(tuple, layers)), tuple(links), {item: x[item] - left for item in items}, tuple(layer_of))


def spread(wanted: Sequence[float], gaps: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The ascending places closest to the wanted ones (least weighted squares) of which neighbours keep at least `gaps` apart.

    The gaps turn into a shift, which leaves isotonic regression: neighbours in the wrong order share their mean.
    """
    shifts = list(itertools.accumulate(gaps, initial=0.0))
    blocks: list[tuple[float, float, int]] = []  # weighted mean, weight, number of places
    for place, shift, weight in zip(wanted, shifts, weights, strict=True):
        mean, total, count = place - shift, weight, 1
        while blocks and blocks[-1][0] > mean:
            other_mean, other_total, other_count = blocks.pop()
            mean = (mean * total + other_mean * other_total) / (total + other_total)
            total, count = total + other_total, count + other_count
        blocks.append((mean, total, count))
    means = [mean for mean, _, count in blocks for _ in range(count)]
    return [mean + shift for mean, shift in zip(means, shifts, strict=True)]


def _layers(architecture: Architecture) -> list[int]:
    layer_of: list[int] = []
    for node in range(architecture.num_nodes):
        layer_of.append(max((layer_of[source] + 1 for source in architecture.predecessors(node)), default=0))
    layer_of[-1] = max(layer_of[-1], max(layer_of[:-1]) + 1)
    return layer_of


def _links(architecture: Architecture, layer_of: Sequence[int]) -> list[Link]:
    links = set()
    for source, target in architecture.edges:
        lanes = [(source, layer) for layer in range(layer_of[source], layer_of[target])]
        links |= set(itertools.pairwise([*lanes, (target, layer_of[target])]))
    return sorted(links)


def _fewest_crossings(start: Sequence[Sequence[Item]], links: Sequence[Link]) -> list[list[Item]]:
    """Sweeps down and up that sort each layer by the mean place of the neighbours before it; the best order seen."""
    layers = [list(layer) for layer in start]
    best, fewest = [list(layer) for layer in layers], _crossings(layers, links)
    for sweep in range(_SWEEPS):
        downward = sweep % 2 == 0
        neighbours: dict[Item, list[Item]] = {}
        for upper, lower in links:
            neighbours.setdefault(lower if downward else upper, []).append(upper if downward else lower)
        for number in range(len(layers)) if downward else reversed(range(len(layers))):
            place = {item: index for layer in layers for index, item in enumerate(layer)}
            means = {item: _mean([place[other] for other in neighbours.get(item, [item])]) for item in layers[number]}
            layers[number].sort(key=means.__getitem__)
        crossings = _crossings(layers, links)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in layers], crossings
    return best


def _crossings(layers: Sequence[Sequence[Item]], links: Sequence[Link]) -> int:
    place = {item: index for layer in layers for index, item in enumerate(layer)}
    return sum(
        (place[first[0]] - place[second[0]]) * (place[first[1]] - place[second[1]]) < 0
        for first, second in itertools.combinations(links, 2)
        if first[0][1] == second[0][1]
    )


def _coordinates(layers: Sequence[Sequence[Item]], links: Sequence[Link], width_of: Mapping[Item, float]) -> dict[Item, float]:
    """Centres that draw linked items together."""
    pulls: dict[Item, list[tuple[Item, float]]] = {item: [] for item in width_of}
    for upper, lower in links:
        strength = _PULLS[(not width_of[upper]) + (not width_of[lower])]
        pulls[upper].append((lower, strength))
        pulls[lower].append((upper, strength))
    x = dict.fromkeys(width_of, 0.0)
    for sweep in range(4 * _SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            weights = [sum(strength for _, strength in pulls[item]) or 1.0 for item in layer]
            wanted = [
                sum(strength * x[other] for other, strength in pulls[item]) / weight if pulls[item] else x[item]
                for item, weight in zip(layer, weights, strict=True)
            ]
            gaps = [_gap(width_of[left], width_of[right]) for left, right in itertools.pairwise(layer)]
            x.update(zip(layer, spread(wanted, gaps, weights), strict=True))
    return x


def _gap(left_width: float, right_width: float) -> float:
    return (left_width + right_width) / 2 + (_NODE_GAP if left_width and right_width else LANE_GAP)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
